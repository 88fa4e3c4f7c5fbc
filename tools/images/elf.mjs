/** Program header types and dynamic tags of ELF (elf(5)). */
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const ELF_MAGIC = 0x7f454c46;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;

/**
 * What a program or library of 64-bit Linux asks the loader for: the loader's own path (programs only) and the names of the
 * libraries that it is linked to. Null for anything that is no such file.
 */
export function readElf(bytes) {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== ELF_MAGIC) return null;
  if (bytes[4] !== CLASS_64 || bytes[5] !== LITTLE_ENDIAN) return null;
  const headers = readProgramHeaders(bytes);
  const interpreter = headers.find(({ type }) => type === PT_INTERP);
  const dynamic = headers.find(({ type }) => type === PT_DYNAMIC);
  const entries = dynamic ? readDynamic(bytes.subarray(dynamic.offset, dynamic.offset + dynamic.size)) : [];
  const strings = fileOffset(headers, entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0);
  return {
    interpreter: interpreter ? readText(bytes, interpreter.offset) : null,
    needed: entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => readText(bytes, strings + value)),
  };
}

function readProgramHeaders(bytes) {
  const start = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size;
    return {
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: Number(bytes.readBigUInt64LE(at + 16)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
    };
  });
}

function readDynamic(bytes) {
  const entries = [];
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const tag = Number(bytes.readBigInt64LE(at));
    if (tag === DT_NULL) break;
    entries.push({ tag, value: Number(bytes.readBigUInt64LE(at + 8)) });
  }
  return entries;
}

/** Dynamic entries name addresses in memory; the loaded parts say where those lie in the file. */
function fileOffset(headers, address) {
  const part = headers.find(
    (header) => header.type === PT_LOAD && address >= header.address && address < header.address + header.size,
  );
  return part ? address - part.address + part.offset : 0;
}

function readText(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}
