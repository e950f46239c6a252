export function tableFromIPC(bytes: Uint8Array, options?: object): any;
export function tableToIPC(table: any, options?: object): Uint8Array | null;
