namespace Esper.Data;

/// <summary>
/// A place in a loader's stream of batches. Batches depend on the place alone, so that a loader that is taken there gives out what it
/// gave out before.
/// </summary>
/// <param name="Epoch">Number of the epoch, from 0.</param>
/// <param name="Batch">Number of the next batch in it, from 0; equal to <see cref="IBatchLoader.BatchesPerEpoch"/> at its end.</param>
public readonly record struct LoaderPosition(int Epoch, int Batch);
