// Every number of an MCAP recording as @mcap/core and the Foxglove readers see it, one a line: NAME <tab> log time in ns <tab>
// value. NAME is what the import calls the field.
//
//	node mcap-values.mjs FILE.mcap

import { readFile } from "node:fs/promises";
import { McapIndexedReader } from "@mcap/core";
import { parse } from "@foxglove/rosmsg";
import { parseRos2idl } from "@foxglove/ros2idl-parser";
import { MessageReader } from "@foxglove/rosmsg2-serialization";
import { decompress } from "fzstd";

const decompressHandlers = { zstd: (data, size) => decompress(data, new Uint8Array(Number(size))) };
const MOST = 128;

function isTime(value) {
  const keys = Object.keys(value);
  return keys.length === 2 && keys[0] === "sec" && (keys[1] === "nsec" || keys[1] === "nanosec");
}

function* leaves(value, path, depth) {
  if (typeof value === "boolean") yield [path, value ? 1 : 0];
  else if (typeof value === "bigint") yield [path, Number(value)];
  else if (typeof value === "number") yield [path, value];
  else if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    if (value.length <= MOST) for (let i = 0; i < value.length; i++) yield* leaves(value[i], `${path}.${i}`, depth + 2);
  } else if (value && typeof value === "object") {
    if (isTime(value)) {
      const stamp = /\.(stamp|timestamp)$/.test(path) && (depth === 1 || path.endsWith(".header.stamp") && depth === 2);
      if (!stamp) yield [path, value.sec + (value.nsec ?? value.nanosec) / 1e9];
    } else for (const key of Object.keys(value)) yield* leaves(value[key], `${path}.${key}`, depth + 1);
  }
}

function definitions(schema) {
  const text = new TextDecoder().decode(schema.data);
  return schema.encoding === "ros2idl" ? parseRos2idl(text) : parse(text, { ros2: true });
}

const bytes = await readFile(process.argv[2]);
const readable = {
  size: async () => BigInt(bytes.length),
  read: async (offset, size) => bytes.subarray(Number(offset), Number(offset + size)),
};
const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers });
const readers = new Map();
const lines = [];
let count = 0;
for await (const message of reader.readMessages()) {
  const channel = reader.channelsById.get(message.channelId);
  const schema = reader.schemasById.get(channel.schemaId);
  if (!readers.has(channel.id)) {
    readers.set(channel.id, channel.messageEncoding === "json"
      ? { readMessage: (data) => JSON.parse(new TextDecoder().decode(data)) }
      : new MessageReader(definitions(schema)));
  }
  const base = channel.topic.replace(/^\/+/, "").replaceAll("/", ".");
  for (const [path, value] of leaves(readers.get(channel.id).readMessage(message.data), base, 0)) {
    const text = Number.isNaN(value) ? "nan" : value === Infinity ? "inf" : value === -Infinity ? "-inf" : String(value);
    lines.push(`${path}\t${message.logTime}\t${text}`);
  }
  count++;
}
lines.push(`messages\t${count}\t0`);
console.log(lines.join("\n"));
