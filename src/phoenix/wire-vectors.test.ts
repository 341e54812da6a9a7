/**
 * What is said on the wire, frame by frame: what a client sends, as text, and all that it hears for it. Written down from Phoenix 1.8
 * (`socket.ex`, `channel/server.ex`, `v2_json_serializer.ex`); where ours differs, the name of the vector says so.
 */
import { describe, expect, test } from "bun:test";
import { echoChannel, endpoint } from "./testing/endpoint.ts";
import { RawClient } from "./testing/raw-client.ts";

interface Vector {
  readonly name: string;
  readonly sent: readonly string[];
  readonly heard: readonly string[];
}

const topic = "place:1";
const joined = `{"status":"ok","response":{"you":"nobody"}}`;
const left = `{"status":"ok","response":{}}`;
const unmatched = `{"status":"error","response":{"reason":"unmatched topic"}}`;
const malformed = `{"status":"error","response":{"reason":"malformed_frame"}}`;
const said = (got: string) => `{"status":"ok","response":{"event":"say","got":${got}}}`;
/** News are broadcast to the topic by the test, behind each frame that says so. */
const thenNews = "then news";
const news = `[null,null,"${topic}","news",{}]`;

const joinedAs1 = {
  sent: `["1","1","${topic}","phx_join",{}]`,
  heard: `["1","1","${topic}","phx_reply",${joined}]`,
};

const vectors: readonly Vector[] = [
  {
    name: "a join, a push and a leave in strings are answered in strings",
    sent: [joinedAs1.sent, `["1","2","${topic}","say",{"a":1}]`, `["1","3","${topic}","phx_leave",{}]`],
    heard: [
      joinedAs1.heard,
      `["1","2","${topic}","phx_reply",${said(`{"a":1}`)}]`,
      `["1","3","${topic}","phx_reply",${left}]`,
      `["1","1","${topic}","phx_close",{}]`,
    ],
  },
  {
    name: "the same in integers is answered in integers",
    sent: [`[1,1,"${topic}","phx_join",{}]`, `[1,2,"${topic}","say",{}]`, `[1,3,"${topic}","phx_leave",{}]`],
    heard: [
      `[1,1,"${topic}","phx_reply",${joined}]`,
      `[1,2,"${topic}","phx_reply",${said("{}")}]`,
      `[1,3,"${topic}","phx_reply",${left}]`,
      `[1,1,"${topic}","phx_close",{}]`,
    ],
  },
  {
    name: "the largest, the least and zero are refs as any other integer",
    sent: [
      `[9007199254740991,-9007199254740991,"${topic}","phx_join",{}]`,
      `[9007199254740991,0,"${topic}","say",{}]`,
    ],
    heard: [
      `[9007199254740991,-9007199254740991,"${topic}","phx_reply",${joined}]`,
      `[9007199254740991,0,"${topic}","phx_reply",${said("{}")}]`,
    ],
  },
  {
    name: "what cannot be echoed digit for digit is no ref (Phoenix takes any JSON value)",
    sent: [
      `[null,1.5,"${topic}","say",{}]`,
      `[9007199254740992,"2","${topic}","phx_join",{}]`,
      `[{},true,"t","e",{}]`,
    ],
    heard: [
      `[null,null,"${topic}","phx_reply",${malformed}]`,
      `[null,"2","${topic}","phx_reply",${malformed}]`,
      `[null,null,"t","phx_reply",${malformed}]`,
    ],
  },
  {
    name: '1 and "1" are two join_refs (Phoenix ignores the push of another join, ours is an error)',
    sent: [`[1,1,"${topic}","phx_join",{}]`, `["1",2,"${topic}","say",{}]`],
    heard: [`[1,1,"${topic}","phx_reply",${joined}]`, `[null,2,"${topic}","phx_reply",${unmatched}]`],
  },
  {
    name: "a null join_ref means the current join: the push is answered with that",
    sent: [joinedAs1.sent, `[null,"2","${topic}","say",{}]`],
    heard: [joinedAs1.heard, `["1","2","${topic}","phx_reply",${said("{}")}]`],
  },
  {
    name: "a null join_ref means the current join: the leave leaves, and nothing is heard after it",
    sent: [joinedAs1.sent, thenNews, `[null,"33","${topic}","phx_leave",{}]`, thenNews],
    heard: [
      joinedAs1.heard,
      news,
      `["1","33","${topic}","phx_reply",${left}]`,
      `["1","1","${topic}","phx_close",{}]`,
    ],
  },
  {
    name: "a leave of an earlier join is ignored: the later one still hears",
    sent: [
      joinedAs1.sent,
      `["2","2","${topic}","phx_join",{}]`,
      `["1","3","${topic}","phx_leave",{}]`,
      thenNews,
    ],
    heard: [joinedAs1.heard, `["2","2","${topic}","phx_reply",${joined}]`, news],
  },
  {
    name: "a second join of a topic takes it over: no phx_close of the first one (Phoenix sends one, which the mobile client takes for its own)",
    sent: [joinedAs1.sent, `["2","2","${topic}","phx_join",{}]`, thenNews, `["1","3","${topic}","say",{}]`],
    heard: [
      joinedAs1.heard,
      `["2","2","${topic}","phx_reply",${joined}]`,
      news,
      `[null,"3","${topic}","phx_reply",${unmatched}]`,
    ],
  },
  {
    name: "a leave of what is not joined is ok at once",
    sent: [`["1","2","${topic}","phx_leave",{}]`, `[null,3,"nowhere","phx_leave",{}]`],
    heard: [`["1","2","${topic}","phx_reply",${left}]`, `[null,3,"nowhere","phx_reply",${left}]`],
  },
  {
    name: "what matches no topic is answered without a join_ref",
    sent: [
      `["1","2","${topic}","say",{}]`,
      `["3","3","nowhere","phx_join",{}]`,
      `["1","4","phoenix","say",{}]`,
    ],
    heard: [
      `[null,"2","${topic}","phx_reply",${unmatched}]`,
      `[null,"3","nowhere","phx_reply",${unmatched}]`,
      `[null,"4","phoenix","phx_reply",${unmatched}]`,
    ],
  },
  {
    name: "a heartbeat is answered without a join_ref, whether it has a ref or a join_ref or neither",
    sent: [
      `[null,"1","phoenix","heartbeat",{}]`,
      `["7",2,"phoenix","heartbeat",[]]`,
      `[null,null,"phoenix","heartbeat",{}]`,
    ],
    heard: [
      `[null,"1","phoenix","phx_reply",${left}]`,
      `[null,2,"phoenix","phx_reply",${left}]`,
      `[null,null,"phoenix","phx_reply",${left}]`,
    ],
  },
  {
    name: "a push without a ref is done and not answered",
    sent: [joinedAs1.sent, `["1",null,"${topic}","say",{}]`, `["1","3","${topic}","say",{}]`],
    heard: [joinedAs1.heard, `["1","3","${topic}","phx_reply",${said("{}")}]`],
  },
  {
    name: "a sixth part is ignored",
    sent: [`["1","1","${topic}","phx_join",{},"more"]`],
    heard: [joinedAs1.heard],
  },
  {
    name: "an empty array is an empty payload (PHP writes its empty maps so)",
    sent: [
      `["1","1","${topic}","phx_join",[]]`,
      `["1","2","${topic}","say",[]]`,
      `["1","3","${topic}","say",[0]]`,
    ],
    heard: [
      joinedAs1.heard,
      `["1","2","${topic}","phx_reply",${said("{}")}]`,
      `["1","3","${topic}","phx_reply",${said("[0]")}]`,
    ],
  },
  {
    name: "a frame of serializer 1.0.0 is answered by its ref (Phoenix ends the socket)",
    sent: [`{"topic":"${topic}","event":"phx_join","payload":{},"ref":"1"}`],
    heard: [`[null,"1","${topic}","phx_reply",${malformed}]`],
  },
  {
    name: "what is no frame at all is answered too (Phoenix ends the socket)",
    sent: ["", "hello", "7", "null", "[]", `["1","2","${topic}"]`],
    heard: [
      ...Array(5).fill(`[null,null,"phoenix","phx_reply",${malformed}]`),
      `["1","2","${topic}","phx_reply",${malformed}]`,
    ],
  },
];

describe("on the wire", () => {
  for (const { name, sent, heard } of vectors)
    test(name, async () => {
      await using server = endpoint({ channel: echoChannel() });
      const client = await RawClient.connect(server.url);
      for (const step of sent) {
        if (step !== thenNews) client.sendBytes(step);
        await client.settle();
        if (step === thenNews) server.sockets.broadcast(topic, "news", "{}");
      }
      await client.settle();
      const frames = client.frames.filter(([, ref]) => !String(ref).startsWith("settle"));
      expect(frames.map(withoutText)).toEqual(heard.map((text) => JSON.parse(text)));
    });
});

/** The texts for people are not part of a vector. */
function withoutText(frame: RawClient["frames"][number]): unknown {
  return JSON.parse(JSON.stringify(frame), (key, value) => (key === "message" ? undefined : value));
}
