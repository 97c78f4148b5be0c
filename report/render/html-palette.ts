/** Colours of pages; both schemes pass WCAG AA for text. System fonts only, since pages load nothing. */
export const LIGHT = `--paper:#fdfdfb;--wash:#f1f3f0;--ink:#1c2126;--dim:#59626b;--line:#dde1de;--neutral:#c2c9c7;--good:#1b7548;--bad:#b0392b;--warn:#fbf3e2;--warn-line:#d9a441;
--c1:#0e6a6b;--c2:#5b57b3;--c3:#b87514;--c4:#a4476e;--c5:#4b7a33;--c6:#3a6ca6;`;

export const DARK = `--paper:#14171a;--wash:#1d2124;--ink:#e6e8e6;--dim:#9da5ab;--line:#30363a;--neutral:#4b5458;--good:#68c896;--bad:#f08f7f;--warn:#2a2417;--warn-line:#a27a2c;
--c1:#4fb9b0;--c2:#a09cee;--c3:#dca44f;--c4:#df8fb3;--c5:#95c377;--c6:#82b2e7`;

export const FONTS = `--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"URW Palladio L","P052","Book Antiqua",Georgia,"DejaVu Serif",serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace`;
