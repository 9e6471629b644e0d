// The bundler hands an SVG over as its text.
declare module '*.svg' {
  const text: string;
  export default text;
}
