/** The user of a request, from the token: its subject and its device. */
export interface Caller {
  readonly userId: string;
  readonly deviceId: string | null;
  /** From `deviceTagOf`. */
  readonly deviceTag: number;
}

export interface SocketCaller extends Caller {
  /** The key under which the frames of the socket are counted. */
  readonly connectionKey: string;
}
