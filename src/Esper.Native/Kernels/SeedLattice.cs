using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// The seeds of one site, checked and prepared for execution on memory that the caller owns. Used by one thread at a
/// time. Lengths are checked before anything native is called.
/// </summary>
public sealed unsafe class SeedLattice : IDisposable
{
    private readonly LatticeHandle handle;
    private long requiredTheta;

    /// <summary>Creates a lattice over that many channels.</summary>
    /// <param name="channels">Channels of the site, at least 1.</param>
    /// <param name="seeds">Seeds with disjoint chunks inside the channels; may be empty.</param>
    /// <exception cref="NativeException">A seed breaks a rule or chunks overlap; the message names it.</exception>
    public SeedLattice(int channels, IReadOnlyList<LatticeSeed> seeds)
    {
        EsperLatticeSeed[] native = ToNative(seeds);
        fixed (EsperLatticeSeed* p = native)
        {
            int status = EsperApi.LatticeCreate(channels, p, native.Length, out handle);
            Status.Check(status, nameof(SeedLattice));
        }

        Channels = channels;
        Accept(seeds);
    }

    /// <summary>Channels of the site.</summary>
    public int Channels { get; }

    /// <summary>Number of seeds.</summary>
    public int SeedCount { get; private set; }

    /// <summary>Whether any seed alters the forward value.</summary>
    public bool IsBlended => Query().Blended;

    /// <summary>Whether any seed takes parameter gradients, Training included.</summary>
    public bool IsLearning => Query().Learning;

    internal LatticeHandle Handle => handle;

    /// <summary>Replaces all seeds after a lifecycle change; on failure the lattice is unchanged.</summary>
    /// <exception cref="NativeException">As in the constructor.</exception>
    public void Update(IReadOnlyList<LatticeSeed> seeds)
    {
        EsperLatticeSeed[] native = ToNative(seeds);
        fixed (EsperLatticeSeed* p = native)
        {
            Status.Check(EsperApi.LatticeUpdate(handle, p, native.Length));
        }

        Accept(seeds);
    }

    /// <summary>y = lattice(x). <paramref name="y"/> may be <paramref name="x"/> itself (in place), else they must not overlap.</summary>
    /// <param name="context">Threads and instruction set.</param>
    /// <param name="shape">Size of x and y.</param>
    /// <param name="theta">Every seed's parameters at its offset.</param>
    /// <param name="x">batch x channels x positions floats in the shape's layout.</param>
    /// <param name="y">As many floats.</param>
    /// <exception cref="ArgumentException">A length does not fit the shape or the seeds, or x and y overlap in part.</exception>
    public void Forward(
        KernelContext context, LatticeShape shape, ReadOnlySpan<float> theta, ReadOnlySpan<float> x, Span<float> y)
    {
        ArgumentNullException.ThrowIfNull(context);
        LengthCheck check = new(shape.Elements(Channels), requiredTheta, SeedCount);
        check.Tensor(x.Length, nameof(x));
        check.Tensor(y.Length, nameof(y));
        check.Theta(theta.Length);
        LengthCheck.Overlap(x, y, nameof(x), nameof(y));
        EsperShape size = shape.ToNative();
        fixed (float* pt = theta, px = &Required<float>.Of(x), py = &Required<float>.Of(y))
        {
            Status.Check(EsperApi.LatticeForward(handle, context.Handle, &size, pt, theta.Length, px, py));
        }
    }

    /// <summary>Gradients of <see cref="Forward"/>. Empty outputs are not wanted.</summary>
    /// <param name="context">Threads and instruction set.</param>
    /// <param name="shape">Size of x, dy and dx.</param>
    /// <param name="theta">As in forward.</param>
    /// <param name="x">The input of forward, unchanged since.</param>
    /// <param name="dy">Upstream gradient.</param>
    /// <param name="dx">Gradient of x; may be <paramref name="dy"/> itself, else they must not overlap.</param>
    /// <param name="dtheta">As long as theta; the parameter gradients of learning seeds are added to it.</param>
    /// <param name="dalpha">One entry a seed, set to dL/dalpha.</param>
    /// <param name="sums">One entry a seed, set.</param>
    /// <exception cref="ArgumentException">A length does not fit the shape or the seeds, or dy and dx overlap in part.</exception>
    public void Backward(
        KernelContext context,
        LatticeShape shape,
        ReadOnlySpan<float> theta,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> dy,
        Span<float> dx,
        Span<float> dtheta,
        Span<float> dalpha = default,
        Span<SeedSums> sums = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        LengthCheck check = new(shape.Elements(Channels), requiredTheta, SeedCount);
        check.Tensor(x.Length, nameof(x));
        check.Tensor(dy.Length, nameof(dy));
        check.OptionalTensor(dx.Length, nameof(dx));
        check.Theta(theta.Length);
        LengthCheck.Gradients(dtheta.Length, theta.Length);
        check.Seeds(dalpha.Length, nameof(dalpha));
        check.Seeds(sums.Length, nameof(sums));
        LengthCheck.Overlap<float>(dy, dx, nameof(dy), nameof(dx));
        EsperShape size = shape.ToNative();
        EsperSeedSums[] native = new EsperSeedSums[sums.Length];
        Array.Fill(native, EsperSeedSums.Create());
        fixed (float* pt = theta, px = &Required<float>.Of(x), pdy = &Required<float>.Of(dy))
        fixed (float* pdx = dx, pdt = dtheta, pda = dalpha)
        fixed (EsperSeedSums* ps = native)
        {
            Status.Check(EsperApi.LatticeBackward(
                handle, context.Handle, &size, pt, theta.Length, px, pdy, pdx, pdt, pda, ps));
        }

        for (int i = 0; i < native.Length; i++)
        {
            sums[i] = SeedSums.FromNative(native[i]);
        }
    }

    /// <summary>The oracle of <see cref="Forward"/> in double precision, out of place only.</summary>
    /// <exception cref="ArgumentException">A length does not fit the shape or the seeds, or x and y overlap.</exception>
    public void ReferenceForward(
        LatticeShape shape, ReadOnlySpan<double> theta, ReadOnlySpan<double> x, Span<double> y)
    {
        LengthCheck check = new(shape.Elements(Channels), requiredTheta, SeedCount);
        check.Tensor(x.Length, nameof(x));
        check.Tensor(y.Length, nameof(y));
        check.Theta(theta.Length);
        LengthCheck.AnyOverlap(x, y, nameof(x), nameof(y));
        EsperShape size = shape.ToNative();
        fixed (double* pt = theta, px = &Required<double>.Of(x), py = &Required<double>.Of(y))
        {
            Status.Check(EsperApi.ReferenceForward(handle, &size, pt, theta.Length, px, py));
        }
    }

    /// <summary>The oracle of <see cref="Backward"/> in double precision, out of place only. Empty outputs are not wanted.</summary>
    /// <exception cref="ArgumentException">A length does not fit the shape or the seeds, or dy and dx overlap.</exception>
    public void ReferenceBackward(
        LatticeShape shape,
        ReadOnlySpan<double> theta,
        ReadOnlySpan<double> x,
        ReadOnlySpan<double> dy,
        Span<double> dx,
        Span<double> dtheta,
        Span<double> dalpha = default)
    {
        LengthCheck check = new(shape.Elements(Channels), requiredTheta, SeedCount);
        check.Tensor(x.Length, nameof(x));
        check.Tensor(dy.Length, nameof(dy));
        check.OptionalTensor(dx.Length, nameof(dx));
        check.Theta(theta.Length);
        LengthCheck.Gradients(dtheta.Length, theta.Length);
        check.Seeds(dalpha.Length, nameof(dalpha));
        LengthCheck.AnyOverlap<double>(dy, dx, nameof(dy), nameof(dx));
        EsperShape size = shape.ToNative();
        fixed (double* pt = theta, px = &Required<double>.Of(x), pdy = &Required<double>.Of(dy))
        fixed (double* pdx = dx, pdt = dtheta, pda = dalpha)
        {
            Status.Check(EsperApi.ReferenceBackward(handle, &size, pt, theta.Length, px, pdy, pdx, pdt, pda));
        }
    }

    /// <summary>Frees the lattice.</summary>
    public void Dispose() => handle.Dispose();

    private (bool Blended, bool Learning) Query()
    {
        int blended, learning;
        Status.Check(EsperApi.LatticeQuery(handle, &blended, &learning));
        return (blended != 0, learning != 0);
    }

    private void Accept(IReadOnlyList<LatticeSeed> seeds)
    {
        SeedCount = seeds.Count;
        requiredTheta = 0;
        foreach (LatticeSeed seed in seeds)
        {
            requiredTheta = Math.Max(requiredTheta, checked(seed.ParameterOffset + seed.ParameterCount(seed.ChannelCount)));
        }
    }

    private static EsperLatticeSeed[] ToNative(IReadOnlyList<LatticeSeed> seeds)
    {
        ArgumentNullException.ThrowIfNull(seeds);
        return [.. seeds.Select(seed => seed.ToNative())];
    }
}
