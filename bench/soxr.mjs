/** libsoxr, by foreign call: what rate conversion is compared with. */
import koffi from 'koffi';

/** Its recipes, by the bits they are precise to. */
export const recipes = { 16: 2, 20: 4, 28: 6 };

let loaded;

/** A maker of conversions, or undefined when the library is not installed. */
export function loadSoxr() {
  loaded ??= load();
  return loaded;
}

function load() {
  let library;
  try {
    library = koffi.load('libsoxr.so.0');
  } catch {
    return undefined;
  }
  koffi.struct('SoxrQuality', {
    precision: 'double',
    phaseResponse: 'double',
    passBandEnd: 'double',
    stopBandBegin: 'double',
    reserved: 'void *',
    flags: 'unsigned long',
  });
  const specify = library.func('SoxrQuality soxr_quality_spec(unsigned long, unsigned long)');
  const create = library.func(
    'void *soxr_create(double, double, unsigned int, void *, void *, SoxrQuality *, void *)',
  );
  const convert = library.func(
    'const char *soxr_process(void *, float *, size_t, size_t *, float *, size_t, size_t *)',
  );
  const remove = library.func('void soxr_delete(void *)');

  /** Converts blocks of interleaved frames; `null` says that no more comes. */
  return ({ inputRate, outputRate, channels, bits }) => {
    const soxr = create(
      inputRate,
      outputRate,
      channels,
      null,
      null,
      specify(recipes[bits], 0),
      null,
    );
    const taken = new BigUint64Array(1);
    const given = new BigUint64Array(1);
    return {
      process(input, frames, output) {
        const most = output.length / channels;
        const error = convert(soxr, input, frames, taken, output, most, given);
        if (error) throw new Error(`libsoxr: ${error}`);
        return Number(given[0]);
      },
      close: () => remove(soxr),
    };
  };
}
