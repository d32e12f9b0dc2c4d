// Encodes one payload a line: JSON comes in, hexadecimal bytes go out. A line
// {"decode": HEX} is decoded instead. The library is sparkplug-payload of
// Eclipse Tahu's authors. Whole numbers of 64 bits come as texts.
const Long = require("long");
const sparkplug = require("sparkplug-payload").get("spBv1.0");
const lines = require("readline").createInterface({ input: process.stdin });
const wide = new Set(["Int64", "UInt64", "DateTime"]);

function prepare(metric) {
  if (wide.has(metric.type) && typeof metric.value === "string") {
    metric.value = Long.fromString(metric.value, metric.type !== "Int64");
  }
  if (metric.special) {
    metric.value = { nan: NaN, inf: Infinity, ninf: -Infinity }[metric.special];
    delete metric.special;
  }
  return metric;
}

lines.on("line", (line) => {
  try {
    const asked = JSON.parse(line);
    if (asked.decode) {
      const read = sparkplug.decodePayload(Buffer.from(asked.decode, "hex"));
      console.log(JSON.stringify(read, (_, v) => (Long.isLong(v) ? v.toString() : v)));
      return;
    }
    asked.metrics = (asked.metrics || []).map(prepare);
    console.log(Buffer.from(sparkplug.encodePayload(asked)).toString("hex"));
  } catch (e) {
    console.log("error " + e.message.replace(/\n/g, " "));
  }
});
