/** Badges at cells: of the notebook in front, and of no other. */
import { Signal } from '@lumino/signaling';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { CellBadges } from '../src/badge';
import { GreenModel } from '../src/model';
import { DEFAULT_SETTINGS } from '../src/tokens';
import {
  FakeApi,
  FakeNotebook,
  FakeStream,
  record,
  settled,
  trans
} from './fakes';

let api: FakeApi;
let model: GreenModel;

/** A notebook's panel with one cell, whose id is `a`. */
function panelOf() {
  const node = document.createElement('div');
  node.innerHTML = '<div><div class="jp-Cell-inputWrapper"></div></div>';
  const cell = {
    model: { id: 'a' },
    node: node.firstChild,
    ready: Promise.resolve(),
    isDisposed: false
  };
  const panel = { node, content: { widgets: [cell] } };
  const disposed = new Signal<object, void>(panel);
  return Object.assign(panel, { disposed }) as unknown as NotebookPanel;
}

function badges(panel: NotebookPanel, path: string): CellBadges {
  const openPanel = () => undefined;
  return new CellBadges({ panel, path: () => path, model, trans, openPanel });
}

const texts = (panel: NotebookPanel) =>
  [...panel.node.querySelectorAll('.jp-GreenBadge')].map(b => b.textContent);

function notebookAt(path: string): FakeNotebook {
  return Object.assign(new FakeNotebook(), { path });
}

beforeEach(() => {
  api = new FakeApi();
  model = new GreenModel({ api, stream: new FakeStream() });
  model.watch();
});

afterEach(() => model.dispose());

describe('badges', () => {
  it('say what the newest run cost, as text', async () => {
    api.answers.set('a.ipynb', [record({ label: '<b>x</b>' })]);
    const panel = panelOf();
    const made = badges(panel, 'a.ipynb');
    model.setNotebook(notebookAt('a.ipynb'));
    await settled();
    expect(texts(panel)).toEqual(['100 ± 5 J · 2.00 s']);
    made.dispose();
    expect(texts(panel)).toEqual([]);
  });

  it('of a notebook behind stay, though its name ends like the one in front', async () => {
    api.answers.set('data.ipynb', [record()]);
    const data = panelOf();
    badges(data, 'data.ipynb');
    badges(panelOf(), 'a.ipynb');
    model.setNotebook(notebookAt('data.ipynb'));
    await settled();
    expect(texts(data)).toHaveLength(1);
    // In front now: a notebook without records.
    model.setNotebook(notebookAt('a.ipynb'));
    await settled();
    expect(texts(data)).toHaveLength(1);
  });

  it('go and come with the setting', async () => {
    api.answers.set('a.ipynb', [record()]);
    const panel = panelOf();
    badges(panel, 'a.ipynb');
    model.setNotebook(notebookAt('a.ipynb'));
    await settled();
    model.setSettings({ ...DEFAULT_SETTINGS, showBadges: false });
    expect(texts(panel)).toEqual([]);
    model.setSettings(DEFAULT_SETTINGS);
    await settled();
    expect(texts(panel)).toHaveLength(1);
  });

  it('listen to nobody once their notebook is closed', async () => {
    const panel = panelOf();
    const made = badges(panel, 'a.ipynb');
    (panel.disposed as Signal<unknown, void>).emit();
    expect(made.isDisposed).toBe(true);
    const update = vi.spyOn(panel.node, 'querySelectorAll');
    model.setSettings({ ...DEFAULT_SETTINGS, showBadges: false });
    expect(update).not.toHaveBeenCalled();
  });
});
