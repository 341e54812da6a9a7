declare module "pgpass" {
  /** Calls back with the password of the file's first line that fits; undefined: no file that only its owner can read, or no such line. */
  export default function pgpass(
    connection: {
      readonly host: string;
      readonly port: number;
      readonly user: string | undefined;
      readonly database: string;
    },
    found: (password: string | undefined) => void,
  ): void;
}
