// The sixth family of the upstream suite, TenMessages, which ../shared/data does not have: ten messages in an odd order
// of time, in every combination of features. Written with @mcap/core's own record builder, so not with our code; the
// expected reading beside each file is what @mcap/core's own reader finds in it.
//
//	node ten-messages.mjs DIR

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { McapChunkBuilder, McapRecordBuilder, McapStreamReader, Opcode } from "@mcap/core";
import { crc32 } from "@foxglove/crc";

const TIMES = [0n, 2n, 1n, 3n, 3n, 5n, 4n, 7n, 8n, 9n];
const SCHEMA = { id: 1, name: "Example", encoding: "c", data: new Uint8Array([4, 5, 6]) };
const CHANNEL = { id: 1, schemaId: 1, topic: "example", messageEncoding: "a", metadata: new Map([["foo", "bar"]]) };
const MESSAGES = TIMES.map((t, sequence) => ({
  channelId: 1, sequence, logTime: t, publishTime: t, data: new Uint8Array([1, 2, 3]),
}));

function writeChunk(builder, has) {
  const chunk = new McapChunkBuilder({ useMessageIndex: has("mx") });
  chunk.addSchema(SCHEMA);
  chunk.addChannel(CHANNEL);
  for (const message of MESSAGES) chunk.addMessage(message);
  const size = BigInt(chunk.buffer.length);
  const chunkStartOffset = BigInt(builder.length);
  const chunkLength = builder.writeChunk({
    compression: "", messageStartTime: chunk.messageStartTime, messageEndTime: chunk.messageEndTime,
    uncompressedCrc: crc32(chunk.buffer), uncompressedSize: size, records: chunk.buffer,
  });
  const messageIndexOffsets = new Map();
  let messageIndexLength = 0n;
  for (const index of chunk.indices) {
    messageIndexOffsets.set(index.channelId, BigInt(builder.length));
    messageIndexLength += builder.writeMessageIndex(index);
  }
  return {
    compression: "", messageStartTime: chunk.messageStartTime, messageEndTime: chunk.messageEndTime,
    uncompressedSize: size, compressedSize: size, chunkStartOffset, chunkLength, messageIndexLength, messageIndexOffsets,
  };
}

function writeSummary(builder, has, chunkIndex) {
  const groups = [];
  const group = (wanted, groupOpcode, write) => {
    if (!wanted) return;
    const groupStart = BigInt(builder.length);
    write();
    groups.push({ groupOpcode, groupStart, groupLength: BigInt(builder.length) - groupStart });
  };
  group(has("rsh"), Opcode.SCHEMA, () => builder.writeSchema(SCHEMA));
  group(has("rch"), Opcode.CHANNEL, () => builder.writeChannel(CHANNEL));
  group(has("st"), Opcode.STATISTICS, () => builder.writeStatistics({
    messageCount: 10n, schemaCount: 1, channelCount: 1, attachmentCount: 0, metadataCount: 0,
    chunkCount: has("ch") ? 1 : 0, messageStartTime: 0n, messageEndTime: 9n, channelMessageCounts: new Map([[1, 10n]]),
  }));
  group(has("chx"), Opcode.CHUNK_INDEX, () => builder.writeChunkIndex(chunkIndex));
  let summaryOffsetStart = 0n;
  if (has("sum")) {
    summaryOffsetStart = BigInt(builder.length);
    for (const offset of groups) builder.writeSummaryOffset(offset);
  }
  return { summaryOffsetStart, any: groups.length > 0 };
}

function generate(features) {
  const has = (name) => features.includes(name);
  const builder = new McapRecordBuilder({ padRecords: has("pad") });
  let chunkIndex;
  builder.writeMagic();
  builder.writeHeader({ profile: "", library: "" });
  if (has("ch")) {
    chunkIndex = writeChunk(builder, has);
  } else {
    builder.writeSchema(SCHEMA);
    builder.writeChannel(CHANNEL);
    for (const message of MESSAGES) builder.writeMessage(message);
  }
  builder.writeDataEnd({ dataSectionCrc: crc32(builder.buffer) });
  const start = builder.length;
  const { summaryOffsetStart, any } = writeSummary(builder, has, chunkIndex);
  const footer = { summaryStart: any ? BigInt(start) : 0n, summaryOffsetStart, summaryCrc: 0 };
  const before = new Uint8Array(builder.buffer.subarray(start)); // a copy: the CRC covers the footer up to itself
  const head = new McapRecordBuilder();
  head.writeFooter(footer);
  footer.summaryCrc = crc32(Buffer.concat([before, head.buffer.subarray(0, head.length - 4)]));
  builder.writeFooter(footer);
  builder.writeMagic();
  return new Uint8Array(builder.buffer);
}

function value(v) {
  if (v instanceof Uint8Array) return [...v].map(String);
  if (v instanceof Map) return Object.fromEntries([...v].map(([k, x]) => [String(k), String(x)]));
  return String(v);
}

function expected(bytes, features) {
  const reader = new McapStreamReader({ validateCrcs: true });
  const records = [];
  reader.append(bytes);
  for (let record; (record = reader.nextRecord()); ) {
    if (record.type === "MessageIndex") continue;
    const fields = Object.entries(record).filter(([name]) => name !== "type")
      .map(([name, v]) => [name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase()), value(v)])
      .sort(([a], [b]) => (a < b ? -1 : 1));
    records.push({ type: record.type, fields });
  }
  if (!reader.done()) throw new Error(`${features}: @mcap/core did not reach the end`);
  return { records, meta: { variant: { features } } };
}

const dir = join(process.argv[2], "TenMessages");
const ORDER = ["ch", "mx", "st", "rsh", "rch", "chx", "sum", "pad"];
await mkdir(dir, { recursive: true });
for (let bits = 0; bits < 1 << ORDER.length; bits++) {
  const features = ORDER.filter((_, i) => bits & (1 << i));
  const has = (name) => features.includes(name);
  if (!has("ch") && (has("mx") || has("chx"))) continue; // of chunks only
  if (has("sum") && !["st", "rsh", "rch", "chx"].some(has)) continue; // nothing to point at
  const name = ["TenMessages", ...[...features].sort()].join("-");
  const bytes = generate(features);
  await writeFile(join(dir, `${name}.mcap`), bytes);
  await writeFile(join(dir, `${name}.json`), JSON.stringify(expected(bytes, features)));
}
