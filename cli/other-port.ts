/** Returns a port to suggest instead of one that is in use: the next one. */
export function otherPort(port: number): number {
  return port < 65_535 ? port + 1 : port - 1;
}
