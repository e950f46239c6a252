/** What policy `latest` means for updates that wait in the client. No I/O. */
/** @import { QueuedEvent } from "./subscription.js" */
/**
 * With policy `latest`, put an update in the place of one that waits; that one becomes a gap.
 * @param {QueuedEvent[]} queue
 * @param {QueuedEvent} event
 */
export function mergeLatest(queue: QueuedEvent[], event: QueuedEvent): boolean;
import type { QueuedEvent } from "./subscription.js";
