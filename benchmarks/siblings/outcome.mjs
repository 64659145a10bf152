/** What is wrong of siblings, and lost of derivatives. */
export const RELATED = new Set(["identical", "recast", "derived"]);
/** What was hardly learned, nobody can recognise. */
export const TRAINED_STEPS = 320;
