// What @mcap/core and the Foxglove message readers find in a session, as one JSON object: for each topic the count, and
// for its values figures that another reader can compute in the same order. Twice: streamed (every CRC checked) and
// through the index; the two must agree.
//
//	node read-session.mjs FILE.mcap

import { readFile } from "node:fs/promises";
import { McapIndexedReader, McapStreamReader } from "@mcap/core";
import { parse } from "@foxglove/rosmsg";
import { MessageReader } from "@foxglove/rosmsg2-serialization";
import { decompress } from "fzstd";

const decompressHandlers = { zstd: (data, size) => decompress(data, new Uint8Array(Number(size))) };

class Summary {
  constructor() {
    this.schemas = new Map();
    this.channels = new Map();
    this.readers = new Map();
    this.topics = {};
    this.metadata = [];
    this.attachments = {};
  }

  decode(channel, data) {
    const schema = this.schemas.get(channel.schemaId);
    if (channel.messageEncoding === "json") {
      return JSON.parse(new TextDecoder().decode(data));
    }
    if (!this.readers.has(channel.id)) {
      const text = new TextDecoder().decode(schema.data);
      this.readers.set(channel.id, new MessageReader(parse(text, { ros2: true })));
    }
    return this.readers.get(channel.id).readMessage(data);
  }

  message(message) {
    const channel = this.channels.get(message.channelId);
    const value = this.decode(channel, message.data);
    const topic = (this.topics[channel.topic] ??= { count: 0, sum: 0, missing: 0, bytes: 0, last: "" });
    topic.count++;
    topic.schema = this.schemas.get(channel.schemaId).name;
    topic.unit = channel.metadata.get("unit") ?? null;
    if (value.value !== undefined) {
      if (typeof value.value === "number" && Number.isFinite(value.value)) topic.sum += value.value;
      else topic.missing++;
      const stamp = value.stamp;
      topic.last = `${stamp.sec}.${String(stamp.nanosec ?? stamp.nsec).padStart(9, "0")}`;
    } else if (value.data !== undefined) {
      topic.format = value.format ?? value.encoding;
      topic.bytes += value.data.length;
      topic.sum += value.data.reduce((a, b) => a + b, 0);
    } else if (value.name !== undefined) {
      topic.last = value.name;
    } else if (value.cause !== undefined) {
      topic.last = value.cause;
    }
  }

  record(record) {
    switch (record.type) {
      case "Schema": this.schemas.set(record.id, record); break;
      case "Channel": this.channels.set(record.id, record); break;
      case "Message": this.message(record); break;
      case "Metadata": this.metadata.push(record.name); break;
      case "Attachment": this.attachments[record.name] = record.data.length; break;
    }
  }
}

async function streamed(bytes) {
  const reader = new McapStreamReader({ validateCrcs: true, decompressHandlers });
  const summary = new Summary();
  reader.append(bytes);
  for (let record; (record = reader.nextRecord()); ) summary.record(record);
  if (!reader.done()) throw new Error("the file does not end as it should");
  return summary;
}

async function indexed(bytes) {
  const readable = {
    size: async () => BigInt(bytes.length),
    read: async (offset, length) => bytes.subarray(Number(offset), Number(offset + length)),
  };
  const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers });
  const summary = new Summary();
  for (const schema of reader.schemasById.values()) summary.record(schema);
  for (const channel of reader.channelsById.values()) summary.record(channel);
  let before = 0n;
  for await (const message of reader.readMessages()) {
    if (message.logTime < before) throw new Error("messages out of the order of time");
    before = message.logTime;
    summary.record(message);
  }
  for await (const metadata of reader.readMetadata()) summary.record(metadata);
  for await (const attachment of reader.readAttachments()) summary.record(attachment);
  const counted = Number(reader.statistics.messageCount);
  const read = Object.values(summary.topics).reduce((n, topic) => n + topic.count, 0);
  if (counted !== read) throw new Error(`the statistics count ${counted} messages, there are ${read}`);
  return summary;
}

const bytes = new Uint8Array(await readFile(process.argv[2]));
const a = await streamed(bytes);
const b = await indexed(bytes);
// Sums of numbers may differ in their last digits by the order; counts, bytes and missing values may not.
for (const [name, topic] of Object.entries(a.topics)) {
  const other = b.topics[name];
  if (!other || other.count !== topic.count || other.bytes !== topic.bytes || other.missing !== topic.missing ||
      Math.abs(other.sum - topic.sum) > 1e-9 * Math.max(1, Math.abs(topic.sum))) {
    throw new Error(`streamed and indexed readers differ on ${name}`);
  }
}
if (JSON.stringify(a.metadata) !== JSON.stringify(b.metadata) ||
    JSON.stringify(a.attachments) !== JSON.stringify(b.attachments)) {
  throw new Error("streamed and indexed readers differ on metadata or attachments");
}
console.log(JSON.stringify({ topics: a.topics, metadata: a.metadata, attachments: a.attachments }));
