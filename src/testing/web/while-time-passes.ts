import type { VirtualClock } from "../clock.ts";
import { eventually } from "../eventually.ts";

/** Lets virtual time pass until the answer is there: marks of one member, for example, are stored once a second. */
export async function whileTimePasses<T>(clock: VirtualClock, answer: Promise<T>): Promise<T> {
  let isThere = false;
  const settled = () => {
    isThere = true;
  };
  answer.then(settled, settled);
  await eventually("the answer", async () => {
    await clock.runFor(250);
    return isThere;
  });
  return answer;
}
