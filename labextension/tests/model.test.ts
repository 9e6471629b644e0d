/** The state behind all views: what it asks for, when, and what it makes of it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { GreenModel } from '../src/model';
import { RequestError } from '../src/request';
import { GreenStream } from '../src/stream';
import { DEFAULT_SETTINGS } from '../src/tokens';
import {
  budget,
  budgets,
  FakeApi,
  FakeNotebook,
  FakeStream,
  HOST,
  record,
  sample,
  settled,
  totals
} from './fakes';

let api: FakeApi;
let stream: FakeStream;
let model: GreenModel;

/** A model that is watched, with an open notebook, after its first questions. */
async function watched(): Promise<FakeNotebook> {
  const notebook = new FakeNotebook();
  model.setNotebook(notebook);
  model.watch();
  await settled();
  api.asked = [];
  return notebook;
}

beforeEach(() => {
  vi.useFakeTimers();
  api = new FakeApi();
  stream = new FakeStream();
  model = new GreenModel({ api, stream });
});

afterEach(() => {
  model.dispose();
  vi.useRealTimers();
});

describe('whether anybody looks', () => {
  it('asks nothing before somebody does', async () => {
    model.setSettings({ ...DEFAULT_SETTINGS, showBadges: false });
    model.setNotebook(new FakeNotebook());
    await settled();
    expect(api.asked).toEqual([]);
    expect(stream.state).toBe('stopped');
  });

  it('asks for everything when the first one does, and follows the stream', async () => {
    model.setNotebook(new FakeNotebook());
    model.watch();
    await settled();
    expect(api.asked).toContain('host work/one.ipynb');
    expect(api.asked).toContain('records work/one.ipynb');
    expect(api.asked).toContain('totals project work/one.ipynb');
    expect(stream.state).toBe('watched');
  });

  it('keeps the stream for badges only, without a lease, when nobody sees watts', async () => {
    const watching = model.watch();
    await settled();
    watching.dispose();
    expect(stream.state).toBe('started');
    model.setSettings({ ...DEFAULT_SETTINGS, showBadges: false });
    expect(stream.state).toBe('stopped');
  });

  it('is silent while the page is hidden, and asks again when it is back', async () => {
    await watched();
    model.setPageVisible(false);
    expect(stream.state).toBe('stopped');
    await vi.advanceTimersByTimeAsync(600_000);
    expect(api.asked).toEqual([]);
    model.setPageVisible(true);
    expect(stream.state).toBe('watched');
  });

  it('asks for idle kernels once a minute while watched', async () => {
    await watched();
    await vi.advanceTimersByTimeAsync(180_000);
    expect(api.asked.filter(name => name === 'idle')).toHaveLength(3);
  });
});

describe('a page that was hidden', () => {
  it('asks for what has ended meanwhile', async () => {
    const sockets: { open(): void }[] = [];
    const open = () => {
      const socket = {
        readyState: 0,
        onopen: null as (() => void) | null,
        send: () => undefined,
        close: () => undefined,
        open: () => {
          socket.readyState = 1;
          socket.onopen?.();
        }
      };
      sockets.push(socket);
      return socket as unknown as WebSocket;
    };
    const real = new GreenModel({
      api,
      stream: new GreenStream({ open, api })
    });
    real.setNotebook(new FakeNotebook());
    real.watch();
    await settled();
    sockets[0]!.open();
    await settled();
    expect(real.records).toEqual([]);
    real.setPageVisible(false);
    api.answers.set('work/one.ipynb', [record()]);
    real.setPageVisible(true);
    sockets[1]!.open();
    await settled();
    expect(real.records.map(r => r.id)).toEqual(['r1']);
    real.dispose();
  });
});

describe('what the stream says', () => {
  it('adds power without asking anybody to draw the rest again', async () => {
    await watched();
    let states = 0;
    model.stateChanged.connect(() => (states += 1));
    stream.message.emit({ type: 'power', ...sample(100, 7) });
    expect(model.samples.map(s => s.total_w)).toEqual([14]);
    expect(states).toBe(0);
  });

  it('shows a finished cell at once, in place of the running one', async () => {
    const notebook = await watched();
    const running = {
      id: 'r1',
      cell_id: 'a',
      duration_s: 1,
      energy_j: 50,
      co2e_g: null
    };
    stream.message.emit({ type: 'running', windows: [running] });
    expect(model.running).toHaveLength(1);
    stream.message.emit({ type: 'record', record: record() });
    expect(model.running).toHaveLength(0);
    expect(model.records.map(r => r.id)).toEqual(['r1']);
    expect(notebook.metering).toBe('loaded');
  });

  it('leaves records of other notebooks to the chart', async () => {
    await watched();
    const other = record({ id: 'r2', cell_id: 'x' });
    stream.message.emit({ type: 'record', record: other });
    stream.message.emit({
      type: 'record',
      record: record(),
      path: 'other.ipynb'
    });
    expect(model.records).toEqual([]);
    expect(model.finished).toHaveLength(2);
  });

  it('keeps a bounded number of records, however many come', async () => {
    await watched();
    for (let i = 0; i < 1000; i += 1) {
      const other = record({ id: `r${i}`, cell_id: 'x' });
      stream.message.emit({ type: 'record', record: other });
    }
    expect(model.finished.length).toBeLessThanOrEqual(200);
  });

  it('asks for totals once for several changes in a row', async () => {
    await watched();
    stream.message.emit({ type: 'totals' });
    stream.message.emit({ type: 'totals' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(api.asked.filter(name => name.startsWith('totals'))).toHaveLength(4);
    expect(model.totals.get('all')?.energy_j).toBe(3600);
  });

  it('asks for records again until the ledger has been read', async () => {
    const known = { records: [record()], more: false };
    vi.spyOn(api, 'records')
      .mockResolvedValueOnce({ records: [], more: false, state: 'reading' })
      .mockResolvedValue({ ...known, state: 'ready' });
    await watched();
    expect(model.records).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(model.records).toHaveLength(1);
    expect(api.records).toHaveBeenCalledTimes(2);
  });

  it('asks for what it missed after the stream was away', async () => {
    await watched();
    stream.connectionChanged.emit('live');
    stream.connectionChanged.emit('connecting');
    api.asked = [];
    stream.connectionChanged.emit('live');
    await vi.advanceTimersByTimeAsync(1000);
    expect(api.asked).toContain('records work/one.ipynb');
    expect(api.asked.some(name => name.startsWith('power'))).toBe(true);
  });
});

describe('budgets', () => {
  const near = budget({ state: 'near', fraction: 0.85, used: 153_000 });

  /** Let the server say that sums have changed, and the answers arrive. */
  async function changed(): Promise<void> {
    stream.message.emit({ type: 'totals' });
    await vi.advanceTimersByTimeAsync(1000);
  }

  function told(): string[] {
    const names: string[] = [];
    model.budgetReached.connect((_, reached) => names.push(reached.name));
    return names;
  }

  it('are asked for with the sums, for the notebook in front', async () => {
    const notebook = await watched();
    expect(model.budgets?.budgets).toEqual([]);
    api.budgetsAnswer = budgets(budget());
    await changed();
    expect(api.asked).toContain('budgets work/one.ipynb');
    expect(model.budgets?.budgets).toHaveLength(1);
    notebook.path = 'work/two.ipynb';
    notebook.changed.emit();
    expect(model.budgets).toBeNull();
    await vi.advanceTimersByTimeAsync(1000);
    expect(api.asked).toContain('budgets work/two.ipynb');
  });

  it('are told of once where work elsewhere has used them', async () => {
    api.budgetsAnswer = budgets(budget());
    await watched();
    const names = told();
    api.budgetsAnswer = budgets(near);
    await changed();
    await changed();
    expect(names).toEqual([near.name]);
  });

  it('are not told of where the notebook has used them: its kernel says so', async () => {
    api.budgetsAnswer = budgets(budget());
    await watched();
    const names = told();
    stream.message.emit({ type: 'record', record: record() });
    api.budgetsAnswer = budgets(near);
    await changed();
    const window = { id: 'w', cell_id: 'a', duration_s: 9 };
    const figures = { energy_j: null, co2e_g: null };
    stream.message.emit({
      type: 'running',
      windows: [{ ...window, ...figures }]
    });
    api.budgetsAnswer = budgets({ ...near, state: 'spent', fraction: 1 });
    await changed();
    expect(names).toEqual([]);
  });

  it('are not told of where nobody followed while it happened', async () => {
    api.budgetsAnswer = budgets(budget());
    await watched();
    const names = told();
    model.setPageVisible(false);
    api.budgetsAnswer = budgets(near);
    model.setPageVisible(true);
    await changed();
    expect(model.budgets?.budgets[0]?.state).toBe('near');
    expect(names).toEqual([]);
  });

  it('stay as they were while the ledger is read anew', async () => {
    api.budgetsAnswer = budgets(budget());
    await watched();
    api.budgetsAnswer = { ...budgets(), state: 'reading' };
    await changed();
    expect(model.budgets?.budgets).toHaveLength(1);
  });
});

describe('answers that come late', () => {
  it('do not take the place of what was asked for later', async () => {
    await watched();
    let late!: (answer: ReturnType<typeof totals>) => void;
    const old = { ...totals('all'), energy_j: 1 };
    vi.spyOn(api, 'totals').mockImplementationOnce(
      () => new Promise(resolve => (late = resolve))
    );
    stream.message.emit({ type: 'totals' });
    await vi.advanceTimersByTimeAsync(200);
    stream.message.emit({ type: 'totals' });
    await vi.advanceTimersByTimeAsync(200);
    // The first question of each round is of the notebook.
    expect(model.totals.get('notebook')?.energy_j).toBe(3600);
    late({ ...old, scope: 'notebook' });
    await settled();
    expect(model.totals.get('notebook')?.energy_j).toBe(3600);
  });

  it('do not hide a cell that has ended meanwhile', async () => {
    await watched();
    let late!: (answer: { records: never[]; more: boolean }) => void;
    vi.spyOn(api, 'records').mockImplementationOnce(
      () => new Promise(resolve => (late = resolve))
    );
    const refreshed = model.refresh();
    await settled();
    stream.message.emit({ type: 'record', record: record() });
    late({ records: [], more: false });
    await refreshed;
    expect(model.records.map(r => r.id)).toEqual(['r1']);
  });

  it('keep the older pages that were asked for', async () => {
    const page = (from: number) =>
      [0, 1].map(n =>
        record({
          id: `r${from - n}`,
          started_at: `2026-11-23T10:00:0${from - n}Z`
        })
      );
    vi.spyOn(api, 'records').mockImplementation((_path, _limit, before) =>
      Promise.resolve(
        before
          ? { records: page(3), more: false }
          : { records: page(5), more: true }
      )
    );
    await watched();
    await model.loadMore();
    const ids = () => model.records.map(r => r.id);
    expect(ids()).toEqual(['r5', 'r4', 'r3', 'r2']);
    await model.refresh();
    expect(ids()).toEqual(['r5', 'r4', 'r3', 'r2']);
    expect(model.moreRecords).toBe(false);
  });

  it('of another notebook’s host are asked for anew', async () => {
    const one = await watched();
    let late!: (answer: typeof HOST) => void;
    api.hostAnswer = () => new Promise(resolve => (late = resolve));
    const two = new FakeNotebook();
    two.path = 'work/two.ipynb';
    model.setNotebook(two);
    const ofTwo = late;
    api.hostAnswer = () => Promise.resolve(HOST);
    model.setNotebook(one);
    await settled();
    ofTwo({ ...HOST, ledger: { folder: '/two', readable: true } });
    await settled();
    expect(model.host?.ledger.folder).toBe('/home/me/ledger');
  });

  it('to a change of purpose do not bring a record into another notebook', async () => {
    api.answers.set('work/one.ipynb', [record()]);
    await watched();
    const tagged = model.tag('r1', 'final');
    const two = new FakeNotebook();
    two.path = 'work/two.ipynb';
    model.setNotebook(two);
    await tagged;
    await settled();
    expect(model.records).toEqual([]);
  });
});

describe('notebooks', () => {
  it('asks for a renamed notebook under its new name', async () => {
    const notebook = await watched();
    notebook.path = 'work/two.ipynb';
    notebook.changed.emit();
    await settled();
    expect(api.asked).toContain('records work/two.ipynb');
  });

  it('shows what it knew of a notebook until the server has answered', async () => {
    api.answers.set('work/one.ipynb', [record()]);
    const one = await watched();
    const two = new FakeNotebook();
    two.path = 'work/two.ipynb';
    model.setNotebook(two);
    expect(model.records).toEqual([]);
    await settled();
    model.setNotebook(one);
    expect(model.records.map(r => r.id)).toEqual(['r1']);
  });

  it('takes no late answer for the notebook that is open now', async () => {
    api.answers.set('work/one.ipynb', [record()]);
    const one = new FakeNotebook();
    const two = new FakeNotebook();
    two.path = 'work/two.ipynb';
    model.watch();
    await settled();
    model.setNotebook(one);
    model.setNotebook(two);
    await settled();
    expect(model.records).toEqual([]);
  });

  it('asks for older records before the oldest that it has', async () => {
    api.answers.set('work/one.ipynb', [record()]);
    await watched();
    api.answers.set('work/one.ipynb', [record(), record({ id: 'r0' })]);
    await model.loadMore();
    expect(api.asked).toContain(
      'records work/one.ipynb before 2026-11-23T10:00:00Z'
    );
    expect(model.records.map(r => r.id)).toEqual(['r1', 'r0']);
  });

  it('shows a changed purpose as soon as the server has it', async () => {
    api.answers.set('work/one.ipynb', [record()]);
    await watched();
    await model.tag('r1', 'final');
    expect(model.records[0]?.purpose).toBe('final');
  });
});

describe('trouble', () => {
  it.each([
    [404, 'missing'],
    [403, 'forbidden'],
    [500, 'offline'],
    [0, 'offline']
  ])('takes status %s as %s, and opens no stream', async (status, expected) => {
    api.hostAnswer = () => Promise.reject(new RequestError(status, {}));
    model.watch();
    await settled();
    expect(model.connection).toBe(expected);
    expect(stream.state).toBe('stopped');
  });

  it('asks again by itself once a server is back, while somebody looks', async () => {
    api.hostAnswer = () => Promise.reject(new RequestError(503, {}));
    model.watch();
    await settled();
    expect(model.connection).toBe('offline');
    model.setPageVisible(false);
    api.asked = [];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(api.asked).toEqual([]);
    model.setPageVisible(true);
    api.hostAnswer = () => Promise.resolve(HOST);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(model.connection).toBe('live');
    expect(stream.state).toBe('watched');
  });

  it('does not ask again where the extension is missing', async () => {
    api.hostAnswer = () => Promise.reject(new RequestError(404, {}));
    model.watch();
    await settled();
    api.asked = [];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(api.asked).toEqual([]);
  });

  it('shows the host, and why, where a notebook’s settings are broken', async () => {
    const why = { message: 'jupyter_green.toml is not valid TOML' };
    const host = api.host.bind(api);
    vi.spyOn(api, 'host').mockImplementation(path =>
      path ? Promise.reject(new RequestError(400, why)) : host('')
    );
    await watched();
    expect(model.connection).toBe('live');
    expect(model.host).toBe(HOST);
    expect(model.problem?.message).toBe(why.message);
    expect(stream.state).toBe('watched');
    vi.mocked(api.host).mockImplementation(host);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(model.problem).toBeNull();
    api.asked = [];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(api.asked).toEqual([]);
  });

  it('forgets a problem once the same question is answered', async () => {
    await watched();
    const spy = vi.spyOn(api, 'budgets');
    spy.mockRejectedValueOnce(new RequestError(502, { message: 'proxy' }));
    stream.message.emit({ type: 'totals' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.problem?.message).toBe('proxy');
    stream.message.emit({ type: 'totals' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.problem).toBeNull();
  });

  it('shows no cell as running where nobody would say that it has ended', async () => {
    await watched();
    const window = { id: 'w', duration_s: 1, energy_j: 1, co2e_g: null };
    stream.message.emit({ type: 'running', windows: [window] });
    stream.connectionChanged.emit('connecting');
    expect(model.running).toHaveLength(1);
    stream.connectionChanged.emit('polling');
    expect(model.running).toEqual([]);
  });

  it('comes back when it is asked to try again', async () => {
    api.hostAnswer = () => Promise.reject(new RequestError(404, {}));
    model.watch();
    await settled();
    api.hostAnswer = () => Promise.resolve(HOST);
    await model.refresh();
    expect(model.connection).toBe('live');
    expect(stream.state).toBe('watched');
  });

  it('forgets the watts of another host', async () => {
    await watched();
    stream.message.emit({ type: 'power', ...sample(100, 7) });
    const elsewhere = { ...HOST, host: { id: 'there' } };
    api.hostAnswer = () => Promise.resolve(elsewhere);
    await model.refresh();
    expect(model.samples).toEqual([]);
  });

  it('says why a report was not written', async () => {
    const problem = { message: 'No records', reason: 'none here', remedy: '' };
    api.reportJob = () =>
      Promise.resolve({ state: 'failed', problem }) as never;
    const choice = {
      path: '',
      scope: 'all' as const,
      formats: ['json'],
      anonymous: false
    };
    await expect(model.report(choice, () => undefined)).rejects.toMatchObject(
      problem
    );
  });
});
