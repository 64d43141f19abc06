using Esper.Contracts;
using Esper.Native.Interop;

namespace Esper.Native;

/// <content>Seeds, their telemetry and the probe.</content>
public sealed unsafe partial class HostSession
{
    /// <summary>Attaches a module to a seed; optimizer state of the others is kept, the newcomer's is zero.</summary>
    /// <param name="seed">A seed without a module.</param>
    /// <param name="description">Stage, module and blend; the session sets channels and parameter offset itself.</param>
    /// <param name="parameters">Initial module and blend parameters, see <see cref="LatticeSeed.InitialParameters"/>.</param>
    /// <exception cref="NativeException">The seed has a module, does not exist, or the number of parameters is wrong.</exception>
    public void Germinate(SeedId seed, LatticeSeed description, ReadOnlySpan<float> parameters)
    {
        ArgumentNullException.ThrowIfNull(description);
        EsperLatticeSeed native = description.ToNative();
        fixed (float* p = &Required<float>.Of(parameters))
        {
            Status.CheckHost(EsperHostApi.SeedGerminate(handle, seed.Site, seed.Seed, &native, p, parameters.Length));
        }
    }

    /// <summary>
    /// Changes stage, alpha, freeze, kappa, confidence values, margin and learning rate scale of a seed with a module.
    /// </summary>
    /// <exception cref="NativeException">The seed has no module, or family, activation, rank or blend differ.</exception>
    public void Update(SeedId seed, LatticeSeed description)
    {
        ArgumentNullException.ThrowIfNull(description);
        EsperLatticeSeed native = description.ToNative();
        Status.CheckHost(EsperHostApi.SeedUpdate(handle, seed.Site, seed.Seed, &native));
    }

    /// <summary>Removes a seed's module, parameters and optimizer state.</summary>
    /// <exception cref="NativeException">The seed has no module or does not exist.</exception>
    public void Release(SeedId seed) => Status.CheckHost(EsperHostApi.SeedRelease(handle, seed.Site, seed.Seed));

    /// <summary>Channel range of a seed, and with a module its description and parameter offset.</summary>
    /// <exception cref="NativeException">The seed does not exist.</exception>
    public (LatticeSeed Description, bool HasModule) ReadSeed(SeedId seed)
    {
        EsperLatticeSeed native = EsperLatticeSeed.Create();
        int hasModule;
        Status.CheckHost(EsperHostApi.SeedRead(handle, seed.Site, seed.Seed, &native, &hasModule));
        return (LatticeSeed.FromNative(native), hasModule != 0);
    }

    /// <summary>What the last training step with telemetry saw of each seed of a site.</summary>
    /// <exception cref="NativeException">There is no such site, or no step gathered telemetry yet.</exception>
    public SeedTelemetry[] ReadTelemetry(int site)
    {
        EsperHostSeedTelemetry[] native = new EsperHostSeedTelemetry[SeedCount(site)];
        Array.Fill(native, EsperHostSeedTelemetry.Create());
        int count;
        fixed (EsperHostSeedTelemetry* p = native)
        {
            Status.CheckHost(EsperHostApi.SeedTelemetryRead(handle, site, p, native.Length, &count));
        }

        return Array.ConvertAll(native, item => SeedTelemetry.FromNative(item));
    }

    /// <summary>Starts a probe: clears what an earlier one gathered.</summary>
    public void ProbeBegin() => Status.CheckHost(EsperHostApi.ProbeBegin(handle));

    /// <summary>Adds a batch to half 0 or 1 of the probe, in evaluation mode; changes no parameter, buffer or optimizer state.</summary>
    /// <exception cref="NativeException">Inputs do not fit the graph, or there is no such half.</exception>
    public void ProbeBatch(ReadOnlySpan<HostTensor> inputs, int half)
    {
        using InputBuffer.Lease lease = inputBuffer.Pin(inputs);
        Status.CheckHost(EsperHostApi.ProbeBatch(handle, lease.Tensors, lease.Count, half));
    }

    /// <summary>Result of the probe for each seed of a site.</summary>
    /// <exception cref="NativeException">A half has no batch, or there is no such site.</exception>
    public SeedProbe[] ReadProbe(int site)
    {
        EsperHostSeedProbe[] native = new EsperHostSeedProbe[SeedCount(site)];
        Array.Fill(native, EsperHostSeedProbe.Create());
        int count;
        fixed (EsperHostSeedProbe* p = native)
        {
            Status.CheckHost(EsperHostApi.ProbeRead(handle, site, p, native.Length, &count));
        }

        return Array.ConvertAll(native, item => SeedProbe.FromNative(item));
    }

    private int SeedCount(int site) => seedCounts.GetValueOrDefault(site);
}
