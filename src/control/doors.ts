import type { ControlOrder } from '../engine/orders.js';
import type { ControlAddresses } from '../memory/addresses.js';
import type { Segment } from '../memory/segment.js';
import type { Logger } from '../observe/log.js';
import type { Status } from '../observe/status.js';
import type { Bus } from './bus/bus.js';
import { authority, NetworkDoor } from './network-door.js';
import { OscAddresses } from './osc/addresses.js';
import { OscDesk } from './osc/desk.js';
import { OscServer } from './osc/server.js';
import { RemoteDesk } from './remote/desk.js';
import { RemoteServer } from './remote/server.js';

/** What the doors lead to. */
export interface Indoors {
  readonly segment: Segment;
  readonly bus: Bus;
  readonly logger: Logger;
  /** Where a predecessor was bound. */
  readonly before: ControlAddresses;
  status(): Status;
}

/** Opens OSC and the datagram remote, as the settings want it. Gives back what closes them. */
export async function openDatagramDoors(
  order: ControlOrder,
  { segment, bus, logger, before, status }: Indoors,
): Promise<() => void> {
  const doors: NetworkDoor[] = [];
  const osc = asBefore(order.osc, before.osc);
  const remote = asBefore(order.remote, before.remote);
  if (osc !== null) {
    let addresses = new OscAddresses(bus.book);
    let book = bus.book;
    const current = () => {
      // Another patch has other names.
      if (bus.book !== book) {
        book = bus.book;
        addresses = new OscAddresses(book);
      }
      return addresses;
    };
    const summary = () => {
      const { name, state, counters } = status();
      return { name, state, underruns: counters.underruns };
    };
    const desk = new OscDesk(segment, bus, current, summary);
    const open = async () => {
      const server = new OscServer(desk, osc);
      try {
        const { host, port, hasTcp } = await server.listen();
        if (!hasTcp) logger.warn('OSC is open by UDP only: another program has the TCP port');
        return { address: `osc.udp://${authority(host, port)}`, close: () => server.close() };
      } catch (error) {
        server.close();
        throw error;
      }
    };
    doors.push(new NetworkDoor(segment, 'osc', logger, open));
  }
  if (remote !== null) {
    const desk = new RemoteDesk(segment, bus);
    const open = async () => {
      const server = new RemoteServer(desk, remote);
      try {
        const { host, port } = await server.listen();
        return { address: `udp://${authority(host, port)}`, close: () => server.close() };
      } catch (error) {
        server.close();
        throw error;
      }
    };
    doors.push(new NetworkDoor(segment, 'remote', logger, open));
  }
  await Promise.all(doors.map((door) => door.begin()));
  return () => {
    for (const door of doors) door.close();
  };
}

type Place = { host: string; port: number };

/** Where any free port will do, the one that clients know already is the best. */
function asBefore(place: Place | null, before: string | null): Place | null {
  if (place === null || place.port !== 0) return place;
  return { ...place, port: Number(/:(\d+)$/.exec(before ?? '')?.[1] ?? 0) };
}
