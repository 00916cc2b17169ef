/** An engine under a storm of faults, and the verdict whether one sample was lost. */
export {
  type Durations,
  type FaultTarget,
  faultTargets,
  type SoakReport,
} from './report.js';
export {
  type Check,
  type ScenarioReport,
  type ServerKind,
  serverKinds,
} from './scenario.js';
export { type ScenarioName, scenarioNames, scenarios } from './scenarios/index.js';
export { canRunPrivateServer } from './server-programs.js';
export { runSoak, type SoakProgress } from './soak.js';
export {
  runStreamStorm,
  type StreamStormReport,
} from './stream-storm.js';
