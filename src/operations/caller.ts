/** Who asks: the token's subject, and its device. */
export interface Caller {
  readonly userId: string;
  readonly deviceId: string | null;
  /** From `deviceTagOf`. */
  readonly deviceTag: number;
}

export interface SocketCaller extends Caller {
  /** By which the frames of the socket are counted. */
  readonly connectionKey: string;
}
