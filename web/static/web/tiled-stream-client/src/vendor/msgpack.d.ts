export function decode(bytes: Uint8Array): unknown;
