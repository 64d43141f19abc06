using Esper.Data;
using Esper.Native;

namespace Esper.Tolaria.Training;

/// <summary>Hands a loader's batches to a session without copying them.</summary>
internal static class BatchTensors
{
    /// <summary>The inputs of a batch in graph order; valid as long as the batch is.</summary>
    public static HostTensor[] Of(Batch batch)
    {
        HostTensor[] tensors = new HostTensor[batch.Inputs.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            BatchInput input = batch.Inputs[i];
            long[] dims = [.. input.Dims];
            tensors[i] = input.IsFloat ? HostTensor.Float(input.Floats, dims) : HostTensor.Int64(input.Integers, dims);
        }

        return tensors;
    }

    /// <summary>All batches of a loader's epoch, each valid until the next is taken.</summary>
    public static IEnumerable<HostTensor[]> Stream(IBatchLoader loader, int epoch, CancellationToken cancellation)
    {
        loader.StartEpoch(epoch);
        while (loader.TryNext(out Batch? batch, cancellation))
        {
            yield return Of(batch);
        }
    }

    /// <summary>Batches from a place on, epoch after epoch without end, each valid until the next is taken.</summary>
    public static IEnumerable<HostTensor[]> Onwards(IBatchLoader loader, LoaderPosition from, CancellationToken cancellation)
    {
        for (LoaderPosition start = from; ; start = new LoaderPosition(start.Epoch + 1, 0))
        {
            loader.StartEpoch(start.Epoch, start.Batch);
            while (loader.TryNext(out Batch? batch, cancellation))
            {
                yield return Of(batch);
            }
        }
    }
}
