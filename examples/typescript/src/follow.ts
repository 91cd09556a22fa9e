// Prints every change of a customer once, as a line of JSON, in the order of each customer's versions.
//
//   npm install && npm run build
//   EVENTS_URL=amqp://… EVENTS_QUEUE=consumers.… npm run --silent follow
//
// What it has seen is kept in seen.json (SEEN), so that duplicates are passed over after a restart as well. With
// IDLE=5 it ends after five seconds without an event.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { connect, type ConsumeMessage } from "amqplib";

interface Event {
  id: string;
  type: string;
  subject: string;
  companyid: number;
  aggregateversion: number;
  data: { before: unknown; after: unknown; changed: string[] };
}

const PREFETCH = 100;
const path = process.env.SEEN ?? "seen.json";
const idle = Number(process.env.IDLE ?? 0) * 1000;
// The highest version that was seen of each record, by subject (`customers/7`).
const seen: Record<string, number> = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

function read(message: ConsumeMessage): Event {
  const event = JSON.parse(message.content.toString()) as Event;
  if (!event.subject || !Number.isInteger(event.aggregateversion)) throw new Error("no event of the CRM");
  return event;
}

function handle(event: Event): void {
  const before = seen[event.subject] ?? 0;
  if (event.aggregateversion <= before) return; // A duplicate, or older than what is known.
  const missed = before > 0 ? event.aggregateversion - before - 1 : 0;
  const { type, subject, aggregateversion: version, data } = event;
  console.log(JSON.stringify({ type, subject, version, changed: data.changed, missed }));
  seen[subject] = version;
  // In one step: whoever ends here leaves the old file or the new one.
  writeFileSync(`${path}.new`, JSON.stringify(seen));
  renameSync(`${path}.new`, path);
}

const connection = await connect(required("EVENTS_URL"));
const channel = await connection.createChannel();
await channel.prefetch(PREFETCH);

let last = Date.now();
let failed = false;
connection.on("error", (error) => {
  console.error(`the connection ended: ${error}`);
  failed = true;
});
// A supervisor starts it again: what was not acknowledged comes again.
connection.on("close", () => process.exit(failed ? 1 : 0));

await channel.consume(required("EVENTS_QUEUE"), (message) => {
  last = Date.now();
  if (message === null) {
    // The queue is gone: the consumer was removed.
    failed = true;
    void connection.close();
    return;
  }
  let event: Event;
  try {
    event = read(message);
  } catch (error) {
    // No retry will mend it: into the queue of dead letters, where somebody looks at it.
    console.error(`an event that cannot be read: ${error}`);
    channel.reject(message, false);
    return;
  }
  handle(event);
  channel.ack(message); // After its effect: a process that dies in between sees it once more.
});

const stop = () => void channel.close().then(() => connection.close());
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
if (idle > 0) {
  const timer = setInterval(() => {
    if (Date.now() - last < idle) return;
    clearInterval(timer);
    stop();
  }, 200);
}
