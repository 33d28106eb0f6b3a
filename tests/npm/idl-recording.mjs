// A recording whose definitions are OMG IDL ("ros2idl"), as rosidl writes them for ROS 2: made with @mcap/core and the
// Foxglove serializer, so not with our code.
//
//	node idl-recording.mjs FILE.mcap

import { writeFile } from "node:fs/promises";
import { McapWriter, TempBuffer } from "@mcap/core";
import { parseRos2idl } from "@foxglove/ros2idl-parser";
import { MessageWriter } from "@foxglove/rosmsg2-serialization";

const IDL = `================================================================================
IDL: robot_msgs/msg/State
// generated from rosidl_adapter/resource/msg.idl.em
#include "robot_msgs/msg/Wheel.idl"

module robot_msgs {
  module msg {
    typedef double double__3[3];
    typedef robot_msgs::msg::Wheel Wheel__2[2];
    module State_Constants {
      const uint8 IDLE = 0;
      const int32 MOST = -7;
      @verbatim (language="comment", text="a name; with ] and )")
      const string LABEL = "a \\"label\\"";
    };
    @verbatim (language="comment", text=
      "What the robot knows of itself; a comment" "\\n" "in two parts.")
    struct State {
      builtin_interfaces::msg::Time stamp;

      @verbatim (language="comment", text="in m")
      @unit (value="m")
      double__3 position;

      @default (value=TRUE)
      boolean ready;
      octet raw;
      uint8 small;
      int8 tiny;
      short s16;
      unsigned short u16;
      long s32;
      unsigned long u32;
      long long s64;
      unsigned long long u64;
      int16 i16;
      uint64 n64;
      float f32;
      string name;
      string<12> short_name;
      sequence<double> readings;
      sequence<int32, 4> few;
      sequence<robot_msgs::msg::Wheel> wheels;
      Wheel__2 pair;
    };
  };
};
================================================================================
IDL: robot_msgs/msg/Wheel
module robot_msgs {
  module msg {
    struct Wheel {
      float speed;
      boolean slips;
    };
  };
};
================================================================================
IDL: builtin_interfaces/msg/Time
module builtin_interfaces {
  module msg {
    struct Time {
      int32 sec;
      uint32 nanosec;
    };
  };
};
`;

function state(i) {
  const wheel = (k) => ({ speed: Math.fround(0.25 * (i + k)), slips: (i + k) % 3 === 0 });
  return {
    stamp: { sec: 100 + i, nsec: 500, nanosec: 500 }, position: [i, -0.1 * i, 1e-3], ready: i % 2 === 0, raw: 250 + (i % 5),
    small: i, tiny: -i, s16: -300 - i, u16: 60000 + i, s32: -70000 - i, u32: 4000000000 + i, s64: BigInt(-5000000000 - i),
    u64: 9007199254740000n + BigInt(i), i16: 5 - i, n64: BigInt(i), f32: Math.fround(i / 7), name: `state ${"x".repeat(i)}`,
    short_name: "s", readings: Array.from({ length: i % 4 }, (_, k) => k + i / 10), few: [1, i].slice(0, i % 3),
    wheels: Array.from({ length: i % 3 }, (_, k) => wheel(k)), pair: [wheel(0), wheel(1)],
  };
}

const buffer = new TempBuffer();
const writer = new McapWriter({ writable: buffer });
await writer.start({ profile: "ros2", library: "" });
const schemaId = await writer.registerSchema({
  name: "robot_msgs/msg/State", encoding: "ros2idl", data: new TextEncoder().encode(IDL),
});
const channelId = await writer.registerChannel({ topic: "/state", messageEncoding: "cdr", schemaId, metadata: new Map() });
const serializer = new MessageWriter(parseRos2idl(IDL));
for (let i = 0; i < 40; i++) {
  const time = BigInt(1000000000 + i * 10000000);
  await writer.addMessage({
    channelId, sequence: i, logTime: time, publishTime: time, data: serializer.writeMessage(state(i)),
  });
}
await writer.end();
await writeFile(process.argv[2], buffer.get());
