/** Names that others may refer to: commands and the panel.  Imports nothing. */

/** Ids of the commands. */
export namespace CommandIDs {
  export const openPanel = 'jupyter-green:open-panel';
  export const meterAll = 'jupyter-green:meter-every-cell';
  export const exportReport = 'jupyter-green:export-report';
  export const setLocation = 'jupyter-green:set-location';
  export const runDoctor = 'jupyter-green:run-doctor';
  export const openSettings = 'jupyter-green:open-settings';
  export const refresh = 'jupyter-green:refresh';
  export const revealCell = 'jupyter-green:reveal-cell';
  export const tagRecord = 'jupyter-green:tag-record';
  export const shutDownKernel = 'jupyter-green:shut-down-kernel';
}

/** Id of the panel's widget, the same in every session. */
export const PANEL_ID = 'jupyter-green-panel';

/** Id of the plugin that carries the settings (schema/plugin.json). */
export const PLUGIN_ID = 'jupyter-green:plugin';
