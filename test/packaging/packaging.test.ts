import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { ServiceNotice } from '../../dist/cli/service-notice.js';
import { connectEngine } from '../../dist/client/index.js';
import { metricsTable } from '../../dist/observe/metrics-table.js';
import { launch, testSettings, until, whole } from '../kit/engine.js';
import { httpOf } from '../kit/http.js';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tenuto-packaging-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const grafana = JSON.parse(readFileSync(at('packaging/grafana.json'), 'utf8'));
const rules = readFileSync(at('packaging/prometheus-rules.yaml'), 'utf8');

/** What Grafana asks of Prometheus, as it stands once its variables are filled in. */
const expressions: string[] = grafana.panels.flatMap((panel: { targets: { expr: string }[] }) =>
  panel.targets.map(({ expr }) =>
    expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
  ),
);

describe('the Grafana dashboard', () => {
  it('is what its list of panels makes', () => {
    const { status, stdout } = spawnSync('node', [at('scripts/grafana.mjs'), '--check']);
    expect(stdout.toString()).toBe('');
    expect(status).toBe(0);
  });

  it('asks for nothing that an engine does not tell, and neither do the alert rules', () => {
    const known = new Set(metricsTable.map(({ name }) => name));
    const text = [...expressions, rules].join('\n');
    const asked = [...text.matchAll(/\btenuto_[a-z_]+/g)].map(([name]) => name);
    const unknown = asked.filter((name) => !known.has(name.replace(/_bucket$/, '')));
    expect(asked.length).toBeGreaterThan(20);
    expect(unknown.filter((name) => name !== 'tenuto_device_state.')).toEqual([]);
  });
});

describe('Prometheus itself', () => {
  it('takes the alert rules', () => {
    const path = at('packaging/prometheus-rules.yaml');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', path]);
    expect(`${stdout}${stderr}`).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it('takes every line of a scrape', async () => {
    await using engine = await launch({ settings: testSettings(['control.http=127.0.0.1:0']) });
    await whole(engine);
    const text = await (await fetch(`${await httpOf(engine)}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text });
    // It also has opinions on names; a line that it cannot read is told as an error.
    expect(`${stdout}${stderr}`).not.toMatch(/error/i);
    expect(status === 0 || status === 3).toBe(true);
  });

  it('scrapes an engine, evaluates the rules, and answers what Grafana asks', async () => {
    await using engine = await launch({ settings: testSettings(['control.http=127.0.0.1:0']) });
    await whole(engine);
    const target = new URL(await httpOf(engine)).host;
    const config = `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ['${at('packaging/prometheus-rules.yaml')}']
scrape_configs:
  - job_name: tenuto
    static_configs: [{ targets: ['${target}'] }]
`;
    writeFileSync(join(folder, 'prometheus.yaml'), config);
    const port = await freePort();
    const prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    // biome-ignore lint/suspicious/noExplicitAny: what Prometheus answers, whatever it is.
    const ask = async (path: string): Promise<any> => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
      return (await answer.json()) as unknown;
    };
    const query = (text: string) => ask(`query?query=${encodeURIComponent(text)}`);
    try {
      await until('it has scraped twice', async () => {
        const found = await query('count_over_time(tenuto_tick[1m]) > 1').catch(() => null);
        return found?.data?.result?.length > 0;
      });
      for (const text of expressions) {
        const { status, data } = await query(text);
        expect(status, text).toBe('success');
        expect(data.result.length, text).toBeGreaterThan(0);
      }
      const { data } = await ask('rules');
      for (const { name, health, lastError } of data.groups[0].rules) {
        expect([name, health === 'ok' || health === 'unknown', lastError ?? '']).toEqual([
          name,
          true,
          '',
        ]);
      }
    } finally {
      prometheus.kill('SIGKILL');
      await once(prometheus, 'exit');
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('the unit for systemd', () => {
  it('is one that systemd takes', () => {
    const unit = readFileSync(at('packaging/tenuto.service'), 'utf8');
    // The command is where a package would put it; here it stands in the build.
    const here = unit.replace('/usr/bin/tenuto', at('dist/cli/main.js'));
    const path = join(folder, 'tenuto.service');
    writeFileSync(path, here);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path]);
    const about = stderr
      .toString()
      .split('\n')
      .filter((line) => line.includes('tenuto.service'));
    expect(about).toEqual([]);
    expect(status).toBe(0);
  });

  it('fences the service in as far as sound allows', () => {
    const path = at('packaging/tenuto.service');
    const security = spawnSync('systemd-analyze', ['security', '--offline=true', path]);
    const exposure = /Overall exposure level for tenuto.service: ([\d.]+)/.exec(
      `${security.stdout}`,
    );
    expect(Number(exposure?.[1])).toBeLessThanOrEqual(2.5);
  });
});

/** A service manager's socket, which Node cannot open: Perl is a part of every Debian. */
async function listenAsManager(path: string): Promise<{ lines: string[]; stop(): void }> {
  const program = `
use IO::Socket::UNIX; $| = 1;
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
print "listening\\n";
while (1) { $socket->recv(my $text, 4096); $text =~ s/\\n/ /g; print "$text\\n"; }`;
  const listener = spawn('perl', ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let text = '';
  listener.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    lines.splice(0, lines.length, ...text.split('\n').slice(0, -1));
  });
  await until('it listens', () => lines.length > 0);
  return { lines, stop: () => listener.kill('SIGKILL') };
}

describe('a service manager', () => {
  it('is told that the engine plays, that it goes on, and that it ends', async () => {
    const path = join(folder, 'notify');
    const manager = await listenAsManager(path);
    try {
      const env = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' };
      const name = testSettings().engine.name;
      const args = ['run', at('examples/demo.yaml'), '--name', name, '--device', 'virtual'];
      const command = spawn(
        'node',
        [at('dist/cli/main.js'), ...args, '--set', 'control.http=off'],
        {
          env,
          stdio: 'ignore',
        },
      );
      await until('it is ready', () => manager.lines.some((line) => line.startsWith('READY=1')));
      await until(
        'it shows that it lives',
        () => manager.lines.filter((line) => line === 'WATCHDOG=1').length > 3,
      );
      await until('it says where it plays', () =>
        manager.lines.some((line) => line.includes('STATUS=running on virtual')),
      );
      command.kill('SIGTERM');
      await once(command, 'exit');
      await until('the manager is told', () =>
        manager.lines.some((line) => line.startsWith('STOPPING=1')),
      );
    } finally {
      manager.stop();
    }
  });

  it('has the settings read again while the engine plays', async () => {
    const path = join(folder, 'reload');
    const manager = await listenAsManager(path);
    const config = join(folder, 'tenuto.yaml');
    const { name } = testSettings().engine;
    const settings = (underruns: string) =>
      `engine: { name: ${name}, leadQuanta: 6 }\ndevice: { name: virtual }\n` +
      'control: { http: "off", osc: "off", stateFile: "off" }\nflight: { minutes: 0 }\n' +
      `tripwires: { underruns: ${underruns} }\n`;
    writeFileSync(config, settings('5'));
    const args = ['run', at('examples/demo.yaml'), '--config', config];
    const command = spawn('node', [at('dist/cli/main.js'), ...args], {
      env: { ...process.env, NOTIFY_SOCKET: path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    command.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    try {
      await until('it is ready', () => manager.lines.some((line) => line.startsWith('READY=1')));
      await using engine = await until('control is up', () =>
        connectEngine(name).catch(() => null),
      );
      const threshold = async () => (await engine.status()).tripwires[0]!.threshold;
      expect(await threshold()).toBe(5);
      writeFileSync(config, settings('7').replace('leadQuanta: 6', 'leadQuanta: 5'));
      command.kill('SIGHUP');
      await until('it is taken over', async () => (await threshold()) === 7);
      await until('it is told', () =>
        said.includes('tripwires.underruns; for the next start: engine.leadQuanta'),
      );
      await until('the manager is told', () =>
        manager.lines.some((line) => line.startsWith('RELOADING=1')),
      );
      writeFileSync(config, settings('many'));
      command.kill('SIGHUP');
      await until('the mistake is told', () => said.includes('the settings stay as they were'));
      expect(await threshold()).toBe(7);
      expect((await engine.status()).state).toBe('running');
    } finally {
      command.kill('SIGTERM');
      await once(command, 'exit');
      manager.stop();
    }
  });

  it('is not told of life by an engine that stands still', async () => {
    const path = join(folder, 'still');
    const manager = await listenAsManager(path);
    try {
      await using engine = await launch({ settings: testSettings() });
      await whole(engine);
      const notice = new ServiceNotice({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000' });
      const status = engine.status();
      notice.ready(status);
      for (let lookMs = 0; lookMs < 20; lookMs++) notice.look(status, lookMs);
      await until('all came', () => manager.lines.length > 3);
      expect(manager.lines.filter((line) => line === 'WATCHDOG=1').length).toBe(1);
    } finally {
      manager.stop();
    }
  });

  it('that is not there keeps nobody from playing', () => {
    const notice = new ServiceNotice({ NOTIFY_SOCKET: join(folder, 'nobody') });
    expect(() => notice.stopping()).not.toThrow();
    expect(() => new ServiceNotice({ NOTIFY_SOCKET: 'x'.repeat(300) }).stopping()).not.toThrow();
  });
});
