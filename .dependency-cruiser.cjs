/**
 * The rooms of the architecture, lowest first. A room imports from the rooms that its line names
 * (and from itself, and from the base: errors, limits, nearest); from no other.
 * @type {Record<string, string[]>}
 */
const rooms = {
  os: [],
  memory: [],
  dsp: [],
  pcm: [],
  media: ['pcm'],
  settings: [],
  device: ['os', 'memory', 'pcm'],
  flight: ['os', 'memory', 'dsp', 'settings', 'engine'],
  // `observe/log.ts` is a leaf that may be used from here; see the rule `log-only` below.
  engine: ['os', 'memory', 'dsp', 'pcm', 'media', 'settings', 'device', 'observe'],
  service: ['flight', 'os', 'memory', 'dsp', 'pcm', 'media', 'settings', 'engine', 'observe'],
  observe: ['flight', 'os', 'memory', 'dsp', 'settings', 'device', 'engine'],
  control: ['flight', 'os', 'memory', 'dsp', 'pcm', 'media', 'settings', 'device', 'engine', 'service', 'observe'],
  client: ['flight', 'os', 'memory', 'dsp', 'pcm', 'media', 'settings', 'device', 'engine', 'observe', 'control'],
  soak: ['flight', 'os', 'memory', 'dsp', 'pcm', 'media', 'settings', 'device', 'engine', 'observe', 'control', 'client'],
  measure: ['dsp', 'pcm', 'media', 'settings', 'client'],
  cli: ['flight', 'os', 'memory', 'dsp', 'pcm', 'media', 'settings', 'device', 'observe', 'control', 'client', 'soak', 'measure'],
};

const base = '^src/(errors|limits|nearest)\\.ts$';
/** Tests may build what they need from anywhere below the command line. */
const tests = '(\\.test\\.ts$|\\.bench\\.ts$|^test/|^bench/)';

const roomRules = Object.entries(rooms).map(([room, below]) => ({
  name: `room-${room}`,
  severity: 'error',
  comment: `src/${room}/ may import from ${[...below, 'itself', 'the base'].join(', ')} only (docs/architecture.md)`,
  from: { path: `^src/${room}/`, pathNot: tests },
  to: { path: '^src/', pathNot: [`^src/(${[room, ...below].join('|')})/`, base] },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'known-room',
      severity: 'error',
      comment: 'Every source is in a room of docs/architecture.md or in the base',
      from: {},
      to: { path: '^src/', pathNot: [`^src/(${Object.keys(rooms).join('|')})/`, base] },
    },
    {
      name: 'base-imports-nothing',
      severity: 'error',
      comment: 'errors, limits and nearest are imported by all and import no room',
      from: { path: base },
      to: { path: '^src/', pathNot: base },
    },
    {
      name: 'log-only',
      severity: 'error',
      comment: 'The keeper and services log; of the room observe they use nothing else',
      from: { path: '^src/(engine|service)/', pathNot: tests },
      to: { path: '^src/observe/', pathNot: '^src/observe/log\\.ts$' },
    },
    {
      name: 'quiet-audio-thread',
      severity: 'error',
      comment: 'Driver and replicas never log: the keeper says what became of them',
      from: { path: '^src/engine/(driver|replica|standby)', pathNot: tests },
      to: { path: ['^src/observe/', 'node_modules/(pino|zod|yaml|commander)/'] },
    },
    {
      name: 'foreign-calls',
      severity: 'error',
      comment: 'System calls are made in src/os/ only; give it a function and import that',
      from: { pathNot: '^src/os/' },
      to: { path: 'node_modules/koffi/' },
    },
    {
      name: 'command-line',
      severity: 'error',
      comment: 'commander belongs to src/cli/',
      from: { pathNot: '^src/cli/' },
      to: { path: 'node_modules/commander/' },
    },
    {
      name: 'pure-rooms',
      severity: 'error',
      comment: 'memory/, dsp/ and pcm/ are deterministic: clock, processes and sockets are passed in',
      from: { path: '^src/(memory|dsp|pcm)/', pathNot: tests },
      to: {
        dependencyTypes: ['core'],
        pathNot: '^(node:)?(fs|path|url|module|buffer|util|crypto)$',
      },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two modules that need each other are one module, or need a third',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      severity: 'error',
      comment: 'A package that is imported is named in package.json',
      from: { path: '^src/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'undetermined'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/[^/]+/assembly/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
