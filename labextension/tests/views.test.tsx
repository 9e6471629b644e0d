/** What stands in the panel, as the DOM has it. */
import * as React from 'react';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { CommandIDs } from '../src/ids';
import { GreenModel } from '../src/model';
import { RequestError } from '../src/request';
import { DEFAULT_SETTINGS } from '../src/tokens';
import { ViewContext, Visible } from '../src/views/context';
import { PanelView } from '../src/views/panel';
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
  trans
} from './fakes';

// jsdom draws nothing: the chart is tried in a real browser.
vi.mock('../src/views/chart', () => ({ Chart: () => null }));

let host: HTMLElement;
let root: Root;
let api: FakeApi;
let stream: FakeStream;
let model: GreenModel;
let commands: [string, object | undefined][];

async function show(visible = true): Promise<void> {
  await act(async () => {
    root.render(
      <ViewContext.Provider
        value={{
          model,
          trans,
          run: (command, args) => commands.push([command, args]),
          settingsIcon: null,
          themeChanged: null
        }}
      >
        <Visible.Provider value={visible}>
          <PanelView />
        </Visible.Provider>
      </ViewContext.Provider>
    );
    await settled();
  });
}

async function open(notebook: FakeNotebook | null = new FakeNotebook()) {
  model.setNotebook(notebook);
  model.watch();
  await settled();
  await show();
}

const one = (selector: string) => host.querySelector<HTMLElement>(selector)!;
const text = (selector: string) => one(selector)?.textContent ?? '';

beforeEach(() => {
  (
    globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }
  ).IS_REACT_ACT_ENVIRONMENT = true;
  host = document.createElement('div');
  document.body.append(host);
  root = createRoot(host);
  api = new FakeApi();
  stream = new FakeStream();
  model = new GreenModel({ api, stream });
  commands = [];
});

afterEach(() => {
  act(() => root.unmount());
  model.dispose();
  host.remove();
});

describe('Now', () => {
  it('shows watts as they come, and a dash before', async () => {
    await open();
    expect(text('[data-green=total-power]')).toBe('–');
    act(() => stream.message.emit({ type: 'power', ...sample(1, 71) }));
    expect(text('[data-green=total-power]')).toBe('142 W');
  });

  it('draws nothing while hidden, and what is new when shown again', async () => {
    await open();
    await show(false);
    act(() => stream.message.emit({ type: 'power', ...sample(1, 71) }));
    expect(text('[data-green=total-power]')).toBe('–');
    await show(true);
    expect(text('[data-green=total-power]')).toBe('142 W');
  });

  it('says how each device is known, and leads to the remedy', async () => {
    await open();
    expect(text('[data-green-device=gpu]')).toContain('measured');
    expect(text('[data-green-device=cpu]')).toContain('not available');
    one('[data-green-device=cpu] button').click();
    expect(commands).toEqual([[CommandIDs.runDoctor, undefined]]);
  });

  it('does not show the server’s power as that of a kernel elsewhere', async () => {
    api.answers.set('work/one.ipynb', [record({ host: { id: 'there' } })]);
    await open();
    expect(text('.jp-GreenNow')).toContain('on the server’s host');
    expect(one('[data-green-notice=kernel-remote]')).not.toBeNull();
  });
});

describe('a server that is away', () => {
  it('leaves no watts standing as if they were of now', async () => {
    await open();
    act(() => stream.message.emit({ type: 'power', ...sample(1, 71) }));
    expect(text('[data-green=total-power]')).toBe('142 W');
    await act(async () => {
      stream.connection = 'offline';
      stream.connectionChanged.emit('offline');
      await settled();
    });
    expect(text('[data-green=total-power]')).toBe('–');
    expect(text('[data-green-device=gpu] .jp-GreenDevice-power')).toBe('–');
  });
});

describe('So far', () => {
  it('shows the four sums with their uncertainty, and what they stand on', async () => {
    await open();
    expect(text('[data-green-scope=notebook] [data-green=energy]')).toBe(
      '1.00 ± 0.05\u00a0Wh'
    );
    expect(text('[data-green-scope=all] [data-green=co2e]')).toBe('500 mg');
    expect(host.querySelectorAll('[data-green-scope]')).toHaveLength(4);
    expect(text('[data-green=location]')).toContain(
      '56.04 g CO₂e/kWh, FRA 2023'
    );
    expect(text('[data-green=location]')).toContain('PUE 1.2');
  });

  it('compares with a car only if asked, and names the source', async () => {
    await open();
    expect(one('[data-green=equivalent]')).toBeNull();
    act(() => model.setSettings({ ...DEFAULT_SETTINGS, equivalent: 'car' }));
    // 0.5 g at 400 g per mile of 1609.344 m are 2.01 m.
    expect(text('[data-green=equivalent]')).toContain('2.01 m');
    expect(text('[data-green=equivalent]')).toContain('EPA');
  });
});

describe('Idle', () => {
  const kernel = {
    kernel_id: 'k',
    name: 'python3',
    path: null,
    idle_s: 7200,
    energy_j: 5000 as number | null,
    reason: null as string | null,
    devices: [
      {
        id: 'gpu',
        memory_bytes: 2e9 as number | null,
        energy_j: null,
        power_w: null
      }
    ]
  };

  async function shown(change: Partial<typeof kernel>): Promise<string> {
    const kernels = [{ ...kernel, ...change }];
    vi.spyOn(api, 'idle').mockResolvedValue({ kernels, reason: null } as never);
    await open();
    return text('[data-green-idle=k] .jp-GreenText');
  }

  it('says what a kernel holds, and what the GPU drew meanwhile', async () => {
    expect(await shown({})).toBe(
      'Has held 2.00 GB of GPU memory for 2 h 00 min without running a cell. The GPU drew 1.39 Wh in that time.'
    );
  });

  it('does not take a part of the time for all of it', async () => {
    const reason = 'known of the last 60 s only: nobody watched before';
    expect(await shown({ reason })).toContain(
      `The GPU drew at least 1.39 Wh: ${reason}.`
    );
  });

  it('says that nothing is known, and why', async () => {
    const devices = [{ ...kernel.devices[0]!, memory_bytes: null }];
    expect(
      await shown({ energy_j: null, reason: 'nobody watched', devices })
    ).toBe(
      'Has held GPU memory for 2 h 00 min without running a cell. What the GPU drew in that time is not known: nobody watched.'
    );
  });
});

describe('Budgets', () => {
  const row = (scope: string) => one(`[data-green-budget=${scope}]`);

  it('stand nowhere where there are none', async () => {
    await open();
    expect(one('[data-green-section=budgets]')).toBeNull();
  });

  it('show what is used of what, as a bar and in words', async () => {
    const near = {
      used: 153_000,
      fraction: 0.85,
      state: 'near' as const,
      stop: true
    };
    api.budgetsAnswer = budgets(
      budget(near),
      budget({
        scope: 'project',
        name: '/srv/thesis',
        unit: 'gCO2e',
        limit: 2,
        used: 2.68,
        fraction: 1.34,
        state: 'spent'
      })
    );
    await open();
    expect(row('notebook').textContent).toContain('This notebook85 %');
    expect(row('notebook').textContent).toContain('42.5 of 50.0 Wh');
    expect(row('notebook').textContent).toContain('nearly spent');
    expect(row('notebook').textContent).toContain('stops cells');
    const meter = row('notebook').querySelector('[role=meter]')!;
    expect(meter.getAttribute('aria-valuenow')).toBe('85');
    expect(meter.getAttribute('aria-valuetext')).toBe('85 %, 42.5 of 50.0 Wh');
    expect(meter.getAttribute('aria-label')).toBe('Budget: This notebook');
    expect((meter.firstChild as HTMLElement).style.width).toBe('85%');
    expect(row('project').textContent).toContain('Project thesis134 %');
    expect(row('project').textContent).toContain('2.68 of 2.00 g CO₂e');
    expect(text('[data-green-budget=project] [data-green=state]')).toBe(
      'spent'
    );
    expect(row('project').textContent).not.toContain('stops cells');
    const over = row('project').querySelector('[role=meter]')!;
    expect(over.getAttribute('aria-valuenow')).toBe('100');
    expect((over.firstChild as HTMLElement).style.width).toBe('100%');
    // What is spent stands first.
    const scopes = [...host.querySelectorAll('[data-green-budget]')].map(
      node => (node as HTMLElement).dataset['greenBudget']
    );
    expect(scopes).toEqual(['project', 'notebook']);
  });

  it('say that a figure is missing, and draw no bar for it', async () => {
    api.budgetsAnswer = budgets(
      budget({
        used: null,
        fraction: null,
        state: null,
        unmeasured_runs: 2,
        since: '7d'
      })
    );
    await open();
    expect(row('notebook').textContent).toContain(
      'not measured of 50.0 Wh · the last 7d2 runs not measured'
    );
    expect(row('notebook').querySelector('[role=meter]')).toBeNull();
    expect(text('[data-green-budget] [data-green=part]')).toBe('–');
  });

  it('fold where they are many', async () => {
    const many = [...'abcdefg'].map(name => budget({ scope: 'label', name }));
    api.budgetsAnswer = { ...budgets(...many), left_out: 3 };
    await open();
    const rows = () => host.querySelectorAll('[data-green-budget]').length;
    expect(rows()).toBe(4);
    const more = one('[data-green=more-budgets]');
    expect(more.textContent).toBe('3 more');
    act(() => more.click());
    expect(rows()).toBe(7);
    expect(more.getAttribute('aria-expanded')).toBe('true');
    expect(text('[data-green-section=budgets]')).toContain(
      '3 more are not shown'
    );
  });

  it('show names as text, and why some are not told', async () => {
    const name = '<img src=x onerror=alert(1)>';
    api.budgetsAnswer = {
      ...budgets(budget({ scope: 'label', name })),
      problems: ['the budgets in /l/budgets.json cannot be read']
    };
    await open();
    expect(host.querySelector('img')).toBeNull();
    expect(row('label').textContent).toContain(`Label ${name}`);
    expect(text('[data-green-section=budgets]')).toContain('cannot be read');
  });

  it('come and go as they are set and taken away', async () => {
    await open();
    api.budgetsAnswer = budgets(budget());
    await act(() => model.refresh());
    expect(row('notebook')).not.toBeNull();
    api.budgetsAnswer = budgets();
    await act(() => model.refresh());
    expect(row('notebook')).toBeNull();
  });
});

describe('Cells', () => {
  it('shows a running cell with its cost so far, then the finished one', async () => {
    await open();
    const window = {
      id: 'r1',
      cell_id: 'a',
      execution_count: 5,
      duration_s: 1.5,
      energy_j: 50,
      co2e_g: 0.001
    };
    act(() => stream.message.emit({ type: 'running', windows: [window] }));
    expect(text('[data-green-running=a]')).toContain('train()50.0 J');
    expect(text('[data-green-running=a]')).toContain(
      'In [5] · 1.50 s · 1.00 mg CO₂e'
    );
    act(() => stream.message.emit({ type: 'record', record: record() }));
    expect(one('[data-green-running=a]')).toBeNull();
    expect(text('[data-green-cell=a]')).toContain('100 ± 5\u00a0J');
  });

  it('goes to the cell, unless it is gone', async () => {
    const gone = record({ id: 'r2', cell_id: 'gone', label: 'old' });
    api.answers.set('work/one.ipynb', [record(), gone]);
    await open();
    one('[data-green-cell=a] button.jp-GreenCell-title').click();
    expect(commands).toEqual([[CommandIDs.revealCell, { cellId: 'a' }]]);
    expect(one('[data-green-cell=gone] button.jp-GreenCell-title')).toBeNull();
    expect(text('[data-green-cell=gone]')).toContain('deleted');
  });

  it('shows names as text, whatever is in them', async () => {
    const label = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    const failed = record({ label, status: 'error', error: '<b>E</b>' });
    api.answers.set('work/one.ipynb', [failed]);
    await open();
    expect(host.querySelector('img, script')).toBeNull();
    expect(one('[data-green-section=cells] b')).toBeNull();
    expect(text('.jp-GreenCell-title')).toBe(label);
    expect(text('.jp-GreenPill.jp-mod-error')).toBe('failed: <b>E</b>');
  });

  it('opens the runs of a cell', async () => {
    const first = record({ id: 'r0', started_at: '2026-11-22T10:00:00Z' });
    api.answers.set('work/one.ipynb', [record(), first]);
    await open();
    const button = one('[data-green-cell=a] .jp-GreenLink');
    expect(button.textContent).toBe('2 runs, 200 J in all');
    act(() => button.click());
    expect(button.getAttribute('aria-expanded')).toBe('true');
    expect(host.querySelectorAll('.jp-GreenRuns > li')).toHaveLength(2);
  });

  it('changes the purpose in place', async () => {
    api.answers.set('work/one.ipynb', [record()]);
    await open();
    const select = one('[data-green-cell=a] select') as HTMLSelectElement;
    act(() => {
      select.value = 'final';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    });
    expect(commands).toEqual([
      [CommandIDs.tagRecord, { record: 'r1', purpose: 'final' }]
    ]);
  });
});

describe('empty states', () => {
  it('asks for a notebook where none is open', async () => {
    await open(null);
    expect(one('[data-green-notice=no-notebook]')).not.toBeNull();
    expect((one('[data-green=meter-all]') as HTMLButtonElement).disabled).toBe(
      true
    );
  });

  it('says that the server extension is missing, and how to get it', async () => {
    api.hostAnswer = () => Promise.reject(new RequestError(404, {}));
    await open();
    expect(text('[data-green-notice=server-missing]')).toContain(
      'jupyter server extension enable jupyter_green'
    );
    expect(one('[data-green-section=now]')).toBeNull();
    one('[data-green-notice=server-missing] button').click();
    expect(commands).toEqual([[CommandIDs.refresh, undefined]]);
  });

  it('says that no device can be read', async () => {
    api.hostAnswer = () => Promise.resolve({ ...HOST, devices: [] });
    await open();
    expect(text('[data-green-section=now]')).toContain(
      'No device of this host'
    );
  });

  it('says why no device was found', async () => {
    const finding = {
      severity: 'warning' as const,
      title: 'devices: the search for devices failed',
      reason: 'idle_w is no number',
      remedy: 'Mend it'
    };
    const failed = { ...HOST, devices: [], findings: [finding] };
    api.hostAnswer = () => Promise.resolve(failed);
    await open();
    expect(text('[data-green-section=now]')).toContain(
      'the search for devices failed. idle_w is no number. Mend it'
    );
  });
});

describe('for everybody', () => {
  it('every control has a name, and every section a heading', async () => {
    api.answers.set('work/one.ipynb', [record()]);
    await open();
    for (const control of host.querySelectorAll('button, select')) {
      const name = control.getAttribute('aria-label') || control.textContent;
      expect(name?.trim(), control.outerHTML).toBeTruthy();
    }
    for (const section of host.querySelectorAll('section')) {
      const title = section.getAttribute('aria-labelledby')!;
      expect(document.getElementById(title)?.textContent).toBeTruthy();
    }
  });

  it('a section folds and opens', async () => {
    await open();
    const toggle = one('[data-green-section=totals] .jp-GreenSection-toggle');
    act(() => toggle.click());
    expect(toggle.getAttribute('aria-expanded')).toBe('false');
    expect(one('.jp-GreenTotals')).toBeNull();
  });
});
