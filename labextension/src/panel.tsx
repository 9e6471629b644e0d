/**
 * The side panel: a widget around the views, which draws only while it can be seen.
 *
 * Imports the views and watching.
 */
import type { IDisposable } from '@lumino/disposable';
import * as React from 'react';

import { PANEL_ID } from './ids';
import { greenIcon } from './icons';
import { ViewContext, Visible, type IViewContext } from './views/context';
import { PanelView } from './views/panel';
import { WatchingWidget } from './watching';

/** The energy panel. */
export class GreenPanel extends WatchingWidget {
  constructor(context: IViewContext) {
    super();
    const { trans } = context;
    this._context = context;
    this.id = PANEL_ID;
    this.addClass('jp-GreenPanel');
    this.title.icon = greenIcon;
    this.title.caption = trans.__('Energy and CO₂e');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Energy and CO₂e'));
  }

  protected override render(): JSX.Element {
    return (
      <ViewContext.Provider value={this._context}>
        <Visible.Provider value={this.isWatching}>
          <PanelView />
        </Visible.Provider>
      </ViewContext.Provider>
    );
  }

  protected override watch(): IDisposable {
    return this._context.model.watch();
  }

  private readonly _context: IViewContext;
}
