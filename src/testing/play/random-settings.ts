import type { EngineSettings } from "../../engine/engine.ts";
import type { Random } from "../builders/random.ts";
import { unlimitedRequests } from "../costs/limits-off.ts";
import type { Faults } from "../model/wire.ts";

export function someFaults(random: Random): Faults {
  const some = () => random.pick([0, 0, 0.05, 0.3]);
  return { again: some(), lost: some(), hangs: some(), slow: some(), rival: some(), reads: some() };
}

export function someSettings(random: Random, commandDeadlineMs: number): EngineSettings {
  return {
    lane: { maxRows: random.pick([1, 3, 8, 500]), maxBytes: random.pick([30, 1 << 20]) },
    supervisor: {
      maxActors: random.pick([2, 50]),
      maxActorBytes: random.pick([5_000, 1 << 28]),
      maxTurnsPerActor: random.pick([6, 1_000]),
      memory: {
        maxKeys: 16,
        maxMessages: random.pick([0, 2, 32]),
        maxMessageBytes: random.pick([1_300, 1 << 17]),
      },
    },
    registry: { commandDeadlineMs, maxTurns: random.pick([20, 5_000]), maxTurnBytes: 1 << 20 },
    requests: unlimitedRequests,
  };
}
