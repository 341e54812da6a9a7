/** A port to suggest instead of one that is taken: its neighbour. */
export function otherPort(port: number): number {
  return port < 65_535 ? port + 1 : port - 1;
}
