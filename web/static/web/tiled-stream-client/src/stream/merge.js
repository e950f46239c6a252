// @ts-check
/** What policy `latest` means for updates that wait in the client. No I/O. */

/** @import { QueuedEvent } from "./subscription.js" */

/**
 * With policy `latest`, put an update in the place of one that waits; that one becomes a gap.
 * @param {QueuedEvent[]} queue
 * @param {QueuedEvent} event
 */
export function mergeLatest(queue, event) {
  const last = queue.at(-1);
  if (event.kind !== "update" || last?.kind !== "update") return false;
  // Of the children of a container, all are of interest.
  if (event.schema.path !== last.schema.path || event.message.type.startsWith("container")) {
    return false;
  }
  queue.pop();
  const { path } = last.schema;
  const { sequence, epoch = null } = last.message;
  const before = queue.at(-1);
  if (before?.kind === "gap" && before.event.path === path && before.event.to === sequence - 1) {
    before.event.to = sequence;
    before.event.count += 1;
  } else {
    const gap = { path, epoch, from: sequence, to: sequence, count: 1 };
    queue.push({ kind: "gap", event: { ...gap, reason: "skipped", uri: null }, size: 0 });
  }
  // Of another connection, the server awaits no acknowledgement any more.
  const updates = event.id === last.id ? (last.updates ?? 0) : 0;
  const merged = { ...event, missed: event.missed + last.missed + 1 };
  if (updates) merged.updates = (event.updates ?? 0) + updates;
  queue.push(merged);
  return true;
}
