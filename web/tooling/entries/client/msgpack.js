export { decode } from "@msgpack/msgpack";
