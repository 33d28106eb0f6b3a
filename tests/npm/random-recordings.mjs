// Random recordings with whatever @mcap/core's own writer can be told to make, and what @mcap/core's own reader finds in
// them: several chunks of any size, empty and wide texts, empty and large data, times up to 2^64 - 1, channels without
// schema or messages, every combination of its options.
//
//	node random-recordings.mjs DIR SEED COUNT

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { McapStreamReader, McapWriter, TempBuffer } from "@mcap/core";

let state = Number(process.argv[3]);
function below(n) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}
const pick = (...of) => of[below(of.length)];
const flag = () => below(2) === 0;
const bytes = (n) => Uint8Array.from({ length: n }, () => below(256));
const text = () => pick("", "a", "転倒", "/x/y", "long ".repeat(below(40)), "e\u0301");
const map = () => new Map(Array.from({ length: below(4) }, (_, i) => [`k${i}${text()}`, text()]));
const time = () => pick(0n, 1n, BigInt(below(1e9)), 2n ** 63n - 1n, 2n ** 64n - 1n);

async function generate() {
  const buffer = new TempBuffer();
  const writer = new McapWriter({
    writable: buffer, useStatistics: flag(), useSummaryOffsets: flag(), useChunks: below(4) !== 0, repeatSchemas: flag(),
    repeatChannels: flag(), useAttachmentIndex: flag(), useMetadataIndex: flag(), useMessageIndex: flag(),
    useChunkIndex: flag(), startChannelId: below(3) * 1000, chunkSize: pick(1, 50, 300, 100000),
  });
  const schemas = [0], channels = [];
  await writer.start({ profile: text(), library: text() });
  for (let left = below(60); left > 0; left--) {
    const what = below(10);
    if (what === 0) schemas.push(await writer.registerSchema({ name: text(), encoding: text(), data: bytes(below(30)) }));
    else if (what === 1 || channels.length === 0) channels.push(await writer.registerChannel({
      schemaId: pick(...schemas), topic: text(), messageEncoding: text(), metadata: map(),
    }));
    else if (what === 2) await writer.addAttachment({
      logTime: time(), createTime: time(), name: text(), mediaType: text(), data: bytes(pick(0, 1, 3000)),
    });
    else if (what === 3) await writer.addMetadata({ name: text(), metadata: map() });
    else await writer.addMessage({
      channelId: pick(...channels), sequence: pick(0, below(1e9), 2 ** 32 - 1), logTime: time(), publishTime: time(),
      data: bytes(pick(0, 1, 22, 500)),
    });
  }
  await writer.end();
  return buffer.get();
}

function value(v) {
  if (v instanceof Uint8Array) return [...v].map(String);
  if (v instanceof Map) return Object.fromEntries([...v].map(([k, x]) => [String(k), String(x)]));
  return String(v);
}

function expected(recording) {
  const reader = new McapStreamReader({ validateCrcs: true });
  const records = [];
  reader.append(recording);
  for (let record; (record = reader.nextRecord()); ) {
    if (record.type === "MessageIndex") continue;
    const fields = Object.entries(record).filter(([name]) => name !== "type")
      .map(([name, v]) => [name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase()), value(v)])
      .sort(([a], [b]) => (a < b ? -1 : 1));
    records.push({ type: record.type, fields });
  }
  if (!reader.done()) throw new Error("@mcap/core did not reach the end");
  return { records };
}

const dir = join(process.argv[2], "Random");
await mkdir(dir, { recursive: true });
for (let i = 0; i < Number(process.argv[4]); i++) {
  const recording = await generate();
  await writeFile(join(dir, `${i}.mcap`), recording);
  await writeFile(join(dir, `${i}.json`), JSON.stringify(expected(recording)));
}
