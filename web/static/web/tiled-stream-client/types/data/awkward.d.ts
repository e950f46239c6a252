/**
 * Decode the ZIP file of an awkward array.
 * @param {Uint8Array} bytes
 * @param {Form} form
 * @param {number} length
 * @returns {any[]}
 */
export function decodeAwkward(bytes: Uint8Array, form: Form, length: number): any[];
/**
 * Decode the ZIP file of a ragged array, which has its form and length in it.
 * @param {Uint8Array} bytes
 * @returns {any[]}
 */
export function decodeRagged(bytes: Uint8Array): any[];
export type Form = {
    class: string;
    form_key: string;
} & Record<string, any>;
export type Getter = (index: number) => any;
export type Buffers = Map<string, Uint8Array>;
