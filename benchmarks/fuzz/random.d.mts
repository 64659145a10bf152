export class Random {
  constructor(seed: string);
}
