/**
 * What the kernel gives, and nothing else: shared memory, waiting, time, priority, processes, locks.
 * All foreign calls of Tenuto are made here; each function names the manual page of its call.
 *
 * Two kinds of failure: functions of the hot path return a documented negative errno, functions of
 * the set-up path throw a TenutoError (TENUTO_PERMISSION for EPERM and EACCES, else TENUTO_SYSTEM).
 */
export { listPcms, type PcmHint } from './alsa-hints.js';
export {
  openPcm,
  type Pcm,
  type PcmDirection,
  PcmFormat,
  type PcmParameters,
  type PcmReport,
  PcmState,
  pcmErrno,
  pcmReport,
} from './alsa-pcm.js';
export { monotonicNs, monotonicUs, readClock, sleepUntil, sleepUntilNs, wallNs } from './clock.js';
export { everyWaiter, futexWait, futexWaitUntil, futexWake } from './futex.js';
export {
  abstractPath,
  engineAddress,
  type InstanceLock,
  listEngineSockets,
  takeInstanceLock,
} from './instance-lock.js';
export { errno, errnoName } from './libc.js';
export {
  type PeerCredentials,
  peerCredentials,
  peerUid,
  socketDescriptor,
} from './peer-credentials.js';
export {
  becomeSubreaper,
  cpuSeconds,
  descriptorCount,
  dieWithParent,
  identity,
  ignoreSignal,
  ignoreTerminalSignals,
  isAlive,
  killNow,
  memoryPss,
  openPidfd,
  type ProcessIdentity,
  processAgeSec,
  residentBytes,
  restoreSignal,
  sendSignalByPidfd,
  setDumpable,
  setProcessName,
  threadCount,
} from './process.js';
export { type RealtimeGrant, type RealtimeRequest, requestRealtimeKit } from './realtime-kit.js';
export { datagramDescriptor, datagramDrops, growReceiveBuffer } from './receive-buffer.js';
export {
  becomeNormal,
  becomeRealtime,
  isRealtime,
  limitRealtimeCpu,
  memoryLockLimit,
  type ResourceLimit,
  realtimeAllowed,
  realtimeCpuLimit,
  type SchedulingResult,
  setTimerSlack,
} from './scheduling.js';
export { notifyService } from './service-notice.js';
export {
  createSharedMemory,
  fileBytes,
  lockRegion,
  type Mapping,
  mapShared,
  openReadOnly,
  openSharedMemory,
  releasePages,
  sealAll,
  sealFutureWrite,
  sealSize,
  seals,
  sealsOf,
} from './shared-memory.js';
