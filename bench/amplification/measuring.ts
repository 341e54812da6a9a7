import type { Device } from "./device.ts";
import type { Exchange } from "./http-connection.ts";
import type { Crowd, Measured } from "./measured.ts";
import { type ProcessorClock, type ProcessorTime, used } from "./processor-time.ts";
import { isSlow } from "./report.ts";
import type { Row, Run } from "./row.ts";
import type { LargeGroup, World } from "./world.ts";

const defaultTimes = 10;
const timesInHall = 5;
const mostRuns = 3;
/** Longer than presence gathers its diffs. */
const quietMs = 600;
/** What follows an answer that nobody else hears of. */
const shortMs = 50;
const longestQuietMs = 15_000;

/** Measures rows, one after the other. */
export class Measuring {
  readonly #world: World;
  readonly #clock: ProcessorClock;
  /** What the processes use while nobody asks anything, which is taken off: the last few times that all was quiet. */
  #idle: ProcessorTime[] = [];

  constructor(options: { readonly world: World; readonly clock: ProcessorClock }) {
    this.#world = options.world;
    this.#clock = options.clock;
  }

  /** Until the processes have done what building the world left to do. */
  async rest(): Promise<void> {
    await Bun.sleep(3_000);
    for (let index = 0; index < 5; index++) await this.#settled(this.#world.quiet.listeners);
  }

  /** Other processes and the collector of garbage make a run dearer, never cheaper: what seems to take too long is measured again, and the cheapest run counts. */
  async measure(row: Row): Promise<Measured> {
    let best = await this.#once(row);
    for (let again = 1; again < mostRuns && isSlow(best); again++) {
      const other = await this.#once(row);
      if (timeOf(other) < timeOf(best)) best = other;
    }
    return best;
  }

  async #once(row: Row): Promise<Measured> {
    const {
      operation,
      input,
      isPage = false,
      people = 0,
      readBytes = 0,
      paidBy = null,
      times = defaultTimes,
    } = row;
    const { most, ...few } = await this.#run(row, this.#world.quiet, times);
    const crowd = row.isHeard
      ? crowdOf(await this.#run(row, this.#world.hall, Math.min(timesInHall, times)))
      : null;
    return { operation, input, isPage, people, readBytes, paidBy, ...few, recipientBytes: most, crowd };
  }

  async #run(row: Row, room: LargeGroup, times: number) {
    const run: Run = { world: this.#world, room, times: times + 1, prepared: undefined };
    run.prepared = await row.prepare?.(run);
    const followed = row.follow?.(run);
    const hearing = row.hears?.(run);
    const listeners = hearing ? [hearing] : room.listeners;
    // The first one compiles code and fills caches.
    await row.act(run, times);
    const isFollowed = row.isHeard === true || followed !== undefined || hearing !== undefined;
    if (isFollowed) await this.#settled(listeners, followed);
    else await Bun.sleep(shortMs);
    const heard = heardBy(listeners);
    const followedBefore = followed?.receivedBytes ?? 0;
    const from = this.#clock.read();
    const exchanges: Exchange[] = [];
    for (let index = 0; index < times; index++) exchanges.push(await row.act(run, index));
    if (isFollowed) await this.#settled(listeners, followed);
    else await Bun.sleep(shortMs);
    const spent = used(from, this.#clock.read());
    const now = heardBy(listeners);
    const answered = exchanges.reduce((sum, { received }) => sum + received, 0);
    const result = {
      times,
      status: [...new Set(exchanges.map(({ status }) => status))].join(),
      sentBytes: exchanges.reduce((sum, { sent }) => sum + sent, 0) / times,
      answeredBytes: Math.max(answered, followed ? followed.receivedBytes - followedBefore : 0) / times,
      largestBytes: Math.max(...exchanges.map(({ received }) => received), followed?.largestFrame ?? 0),
      bytes: (now.bytes - heard.bytes) / times,
      most: Math.max(...now.each.map((bytes, index) => bytes - heard.each[index]!)) / times,
      frames: (now.frames - heard.frames) / times,
      closed: now.closes - heard.closes,
      listeners: listeners.length,
      serverMs: this.#withoutIdle(spent, "serverMs") / times,
      loopMs: this.#withoutIdle(spent, "loopMs") / times,
      postgresMs: this.#withoutIdle(spent, "postgresMs") / times,
    };
    await this.#world.reopen();
    return result;
  }

  #withoutIdle(spent: ProcessorTime, of: "serverMs" | "loopMs" | "postgresMs"): number {
    const rates = this.#idle.map((each) => each[of] / each.elapsedMs).toSorted((one, other) => one - other);
    return Math.max(0, spent[of] - (rates[rates.length >> 1] ?? 0) * spent.elapsedMs);
  }

  /** Until nobody has received anything for a while. */
  async #settled(listeners: readonly Device[], followed?: Device): Promise<void> {
    const heard = () => heardBy(followed ? [...listeners, followed] : listeners).bytes;
    const untilMs = performance.now() + longestQuietMs;
    for (let before = -1, now = heard(); before !== now && performance.now() < untilMs; ) {
      const from = this.#clock.read();
      before = now;
      await Bun.sleep(quietMs);
      now = heard();
      if (before === now) this.#idle = [...this.#idle.slice(-8), used(from, this.#clock.read())];
    }
  }
}

function timeOf({ serverMs, postgresMs, crowd }: Measured): number {
  return serverMs + postgresMs + (crowd?.serverMs ?? 0);
}

function crowdOf({ listeners, frames, bytes, serverMs, loopMs, closed }: Crowd): Crowd {
  return { listeners, frames, bytes, serverMs, loopMs, closed };
}

function heardBy(devices: readonly Device[]) {
  let [bytes, frames, closes] = [0, 0, 0];
  for (const each of devices) {
    bytes += each.receivedBytes;
    frames += each.receivedFrames;
    closes += each.closes;
  }
  return { bytes, frames, closes, each: devices.map(({ receivedBytes }) => receivedBytes) };
}
