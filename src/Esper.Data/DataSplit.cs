using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>
/// Training examples, part to learn from and part to decide by. Both ascend; together they hold every example once.
/// </summary>
/// <param name="Train">Indices of the examples to learn from.</param>
/// <param name="Validation">Indices of the examples to decide by.</param>
public sealed record DataSplit(ImmutableArray<int> Train, ImmutableArray<int> Validation)
{
    /// <summary>Share that is set aside where nothing else is asked for.</summary>
    public const double DefaultValidationFraction = 0.1;

    /// <summary>
    /// Sets a share of each class aside: the nearest whole number of its examples, but at least one of a class that has
    /// two. The choice depends on the seed and the labels only.
    /// </summary>
    /// <param name="train">Examples to split.</param>
    /// <param name="validationFraction">Share to set aside, in (0, 0.5].</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <exception cref="ArgumentOutOfRangeException">The share is not in (0, 0.5].</exception>
    /// <exception cref="DataException">No class has two examples, so nothing can be set aside.</exception>
    public static DataSplit Stratified(ImageExamples train, double validationFraction, long seed)
    {
        ArgumentNullException.ThrowIfNull(train);
        if (!(validationFraction > 0 && validationFraction <= 0.5))
        {
            throw new ArgumentOutOfRangeException(
                nameof(validationFraction), validationFraction, "the validation fraction must be in (0, 0.5]");
        }

        bool[] setAside = new bool[train.Count];
        ReadOnlySpan<byte> labels = train.Labels.Span;
        for (int label = 0; label <= byte.MaxValue; label++)
        {
            int[] members = IndicesOf(labels, (byte)label);
            new CounterRandom(seed, RandomStream.Split, label).Shuffle(members);
            foreach (int index in members.AsSpan(0, ValidationCount(members.Length, validationFraction)))
            {
                setAside[index] = true;
            }
        }

        DataSplit split = new(Select(setAside, wanted: false), Select(setAside, wanted: true));
        return split.Validation.IsEmpty
            ? throw new DataException(
                $"{train.Count} training examples are too few to set some aside for validation: at least one class needs two")
            : split;
    }

    private static int ValidationCount(int members, double fraction) =>
        members < 2 ? 0 : Math.Max(1, (int)Math.Floor((members * fraction) + 0.5));

    private static int[] IndicesOf(ReadOnlySpan<byte> labels, byte label)
    {
        int[] indices = new int[labels.Count(label)];
        int next = 0;
        for (int index = 0; next < indices.Length; index++)
        {
            if (labels[index] == label)
            {
                indices[next++] = index;
            }
        }

        return indices;
    }

    private static ImmutableArray<int> Select(bool[] flags, bool wanted) =>
        [.. Enumerable.Range(0, flags.Length).Where(index => flags[index] == wanted)];
}
