namespace Esper.Data;

/// <summary>Fills batches; called by the thread of a <see cref="BatchPrefetcher"/> only.</summary>
internal interface IBatchSource
{
    /// <summary>Batches of an epoch.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>Examples of an epoch.</summary>
    int ExamplesPerEpoch { get; }

    /// <summary>Prepares what depends on the epoch, such as its order.</summary>
    void BeginEpoch(int epoch);

    /// <summary>Fills the buffers of a slot with a batch of the epoch begun last.</summary>
    Batch Fill(int slot, int batch);
}
