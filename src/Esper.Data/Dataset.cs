namespace Esper.Data;

/// <summary>A data set in memory: an <see cref="ImageDataset"/> or a <see cref="TextDataset"/>. Immutable.</summary>
public abstract class Dataset
{
    private protected Dataset(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>Name under which <see cref="Datasets.Load"/> knows it.</summary>
    public string Name { get; }

    /// <summary>Classes that a model tells apart at each position: labels, or tokens of the vocabulary.</summary>
    public abstract int ClassCount { get; }
}
