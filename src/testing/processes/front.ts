import { connect, createServer, type Server, type Socket } from "node:net";

/** A load balancer of one line: whoever connects reaches the port that it points to at that moment. */
export class Front {
  readonly url: string;
  target: number;
  readonly #server: Server;
  readonly #open: Set<Socket>;

  private constructor(server: Server, port: number, target: number, open: Set<Socket>) {
    this.#server = server;
    this.#open = open;
    this.target = target;
    this.url = `http://127.0.0.1:${port}`;
  }

  static listen(target: number): Promise<Front> {
    const open = new Set<Socket>();
    return new Promise((resolve) => {
      const server = createServer((client) => bridge(client, front.target, open));
      let front: Front;
      server.listen(0, "127.0.0.1", () => {
        front = new Front(server, (server.address() as { port: number }).port, target, open);
        resolve(front);
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}

function bridge(client: Socket, port: number, open: Set<Socket>): void {
  const server = connect(port, "127.0.0.1");
  open.add(client).add(server);
  client.pipe(server).pipe(client);
  const end = () => {
    for (const socket of [client, server]) {
      open.delete(socket);
      socket.destroy();
    }
  };
  for (const socket of [client, server]) socket.on("error", end).on("close", end);
}
