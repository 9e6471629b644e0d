/** What the forms make of what was put into them. */
import { act } from 'react';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { LocationForm } from '../src/dialogs';
import { trans } from './fakes';

// The real one needs the whole of JupyterLab; only its place in the DOM counts here.
vi.mock('@jupyterlab/ui-components', async () => {
  const { createRoot } = await import('react-dom/client');
  return {
    ReactWidget: class {
      readonly node = document.createElement('div');
      private readonly _root = createRoot(this.node);
      addClass(): void {}
      render(): React.ReactElement | null {
        return null;
      }
      update(): void {
        this._root.render(this.render());
      }
    }
  };
});

const PLACES = {
  countries: [{ code: 'FRA', name: 'France', regions: [] }],
  clouds: []
};

beforeAll(() => {
  (
    globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }
  ).IS_REACT_ACT_ENVIRONMENT = true;
});

describe('the form for the location', () => {
  function open() {
    const form = new LocationForm(null, PLACES, trans);
    act(() => form.update());
    return form;
  }

  function put(form: LocationForm, name: string, value: string): void {
    const field = form.node.querySelector<HTMLInputElement>(`[name=${name}]`)!;
    const set = Object.getOwnPropertyDescriptor(
      Object.getPrototypeOf(field) as object,
      'value'
    )!.set!;
    act(() => {
      set.call(field, value);
      field.dispatchEvent(new Event('input', { bubbles: true }));
      field.dispatchEvent(new Event('change', { bubbles: true }));
    });
  }

  function choose(form: LocationForm, place: string): void {
    act(() =>
      form.node.querySelector<HTMLInputElement>(`[value=${place}]`)!.click()
    );
  }

  it('gives a country', () => {
    const form = open();
    put(form, 'country', 'FRA');
    expect(form.getValue()).toEqual({ country: 'FRA' });
  });

  it('says the PUE where it is another one, or has a source', () => {
    const form = open();
    put(form, 'country', 'FRA');
    put(form, 'pue', '1.3');
    expect(form.getValue()).toEqual({ country: 'FRA', pue: 1.3 });
    put(form, 'pue', '1');
    put(form, 'pueSource', 'the operator');
    expect(form.getValue()).toMatchObject({
      pue: 1,
      pue_source: 'the operator'
    });
  });

  it('takes an empty figure for none, and not for 0 g', () => {
    const form = open();
    choose(form, 'figure');
    expect(form.getValue()).toEqual({});
    put(form, 'intensity', '12.5');
    put(form, 'source', 'my meter');
    expect(form.getValue()).toEqual({
      intensity_g_per_kwh: 12.5,
      intensity_source: 'my meter'
    });
  });
});
