/** What programs call the model's own weights in a checkpoint of theirs. */
const MODEL =
  /^(?:state_dict|model|module|net|network|model_state|model_state_dict|model_dict|net_state_dict|weights|params|student|generator_state_dict)$/i;

/** What they call what training needs beside the weights: states of optimisers and schedulers, counters, options. */
const TRAINING = [
  /^\w*optim\w*$/i,
  /^opt(?:_state(?:_dict|s)?)?$/i,
  /^\w*sched(?:uler)?(?:s|_\w+)?$/i,
  /^\w*(?:grad|loss)_?scaler?\w*$|^scaler\w*$|^amp\w*$/i,
  /^(?:\w+_)?(?:rng|random)(?:_\w+)?$/i,
  /^(?:callbacks|loops|hyper_parameters|hparams|datamodule\w*|trainer|args|config|cfg|opts?|options|metadata|extra_state)$/i,
];

/** What they call averages of the weights over the steps of training. */
const AVERAGED = /^(?:\w+_)?(?:ema|swa|averaged|shadow)(?:_\w+)?$/i;

/** No program calls anything so; patterns take the square of a key's length (CWE-1333). */
const MAX_KEY = 200;

export function isModelKey(key: string): boolean {
  return key.length <= MAX_KEY && MODEL.test(key);
}

export function isTrainingKey(key: string): boolean {
  return key.length <= MAX_KEY && TRAINING.some((pattern) => pattern.test(key));
}

export function isAveragedKey(key: string): boolean {
  return key.length <= MAX_KEY && AVERAGED.test(key);
}
