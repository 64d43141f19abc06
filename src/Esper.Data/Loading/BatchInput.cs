using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>One tensor of a batch: float32 or int64, contiguous, row-major.</summary>
public sealed class BatchInput
{
    /// <summary>A float32 tensor.</summary>
    /// <exception cref="ArgumentException">The number of values is not the product of the dimensions.</exception>
    public BatchInput(string name, ReadOnlyMemory<float> values, ImmutableArray<long> dims)
    {
        Name = name;
        Dims = dims;
        Floats = values;
        IsFloat = true;
        Check(values.Length);
    }

    /// <summary>An int64 tensor.</summary>
    /// <exception cref="ArgumentException">The number of values is not the product of the dimensions.</exception>
    public BatchInput(string name, ReadOnlyMemory<long> values, ImmutableArray<long> dims)
    {
        Name = name;
        Dims = dims;
        Integers = values;
        Check(values.Length);
    }

    /// <summary><c>images</c>, <c>tokens</c> or <c>labels</c>.</summary>
    public string Name { get; }

    /// <summary>Dimensions, outermost (the batch) first.</summary>
    public ImmutableArray<long> Dims { get; }

    /// <summary>Whether the values are <see cref="Floats"/>; otherwise they are <see cref="Integers"/>.</summary>
    public bool IsFloat { get; }

    /// <summary>Values of a float32 tensor, empty for the other kind.</summary>
    public ReadOnlyMemory<float> Floats { get; }

    /// <summary>Values of an int64 tensor, empty for the other kind.</summary>
    public ReadOnlyMemory<long> Integers { get; }

    private void Check(int length)
    {
        if (Dims.Aggregate(1L, (product, dim) => product * dim) != length)
        {
            throw new ArgumentException($"{Name}: dimensions [{string.Join(", ", Dims)}] do not hold {length} values");
        }
    }
}
