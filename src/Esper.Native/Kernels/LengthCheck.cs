namespace Esper.Native;

/// <summary>What the spans of a lattice call must measure; the kernels trust their lengths.</summary>
/// <param name="Elements">Elements of the site's tensor.</param>
/// <param name="RequiredTheta">Parameters that the seeds reach.</param>
/// <param name="SeedCount">Number of seeds.</param>
internal readonly record struct LengthCheck(long Elements, long RequiredTheta, int SeedCount)
{
    public void Tensor(long length, string name)
    {
        if (length != Elements)
        {
            throw new ArgumentException($"{name} has {length} elements, the shape needs {Elements}.", name);
        }
    }

    public void OptionalTensor(long length, string name)
    {
        if (length != 0)
        {
            Tensor(length, name);
        }
    }

    public void Theta(long theta)
    {
        if (theta < RequiredTheta)
        {
            throw new ArgumentException($"theta has {theta} parameters, the seeds reach {RequiredTheta}.", nameof(theta));
        }
    }

    public static void Gradients(long dtheta, long theta)
    {
        if (dtheta != 0 && dtheta != theta)
        {
            throw new ArgumentException($"dtheta has {dtheta} elements, theta has {theta}.", nameof(dtheta));
        }
    }

    public void Seeds(long length, string name)
    {
        if (length != 0 && length != SeedCount)
        {
            throw new ArgumentException($"{name} has {length} entries, the lattice has {SeedCount} seeds.", name);
        }
    }

    /// <summary>Accepts the same memory and disjoint memory.</summary>
    public static void Overlap<T>(ReadOnlySpan<T> input, ReadOnlySpan<T> output, string inputName, string outputName)
    {
        if (input.Overlaps(output, out int offset) && offset != 0)
        {
            throw new ArgumentException(
                $"{outputName} overlaps {inputName} shifted by {offset} elements; use the same memory or memory apart.", outputName);
        }
    }

    /// <summary>Accepts disjoint memory only.</summary>
    public static void AnyOverlap<T>(ReadOnlySpan<T> input, ReadOnlySpan<T> output, string inputName, string outputName)
    {
        if (input.Overlaps(output))
        {
            throw new ArgumentException($"{outputName} overlaps {inputName}; the reference works out of place only.", outputName);
        }
    }
}
