/** The sixteen values of IQ4_NL and IQ4_XS, ascending, before the block's scale. Source: `kvalues_iq4nl` of ggml. */
export const NON_LINEAR = Float32Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
