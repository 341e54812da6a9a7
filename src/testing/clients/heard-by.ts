import type { Device } from "./device.ts";

/** Resolves when everything has come that was sent to the device before: the answer to a ping comes after it. */
export function untilHeard({ socket }: Device): Promise<void> {
  return new Promise((resolve) => void socket.ping(() => resolve()));
}

/** Returns what came for a device on any topic, as JSON, up to the answer to a ping that is sent now. */
export async function heardBy(device: Device): Promise<string> {
  await untilHeard(device);
  return JSON.stringify(device.heard);
}
