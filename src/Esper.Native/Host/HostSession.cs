using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// One host graph with its parameters, seed lattices and optimizer, executed by libtorch. Used by one thread at a time.
/// Same graph, same calls, same seed and same number of threads give the same bits.
/// </summary>
public sealed unsafe partial class HostSession : IDisposable
{
    private readonly HostSessionHandle handle;
    private readonly InputBuffer inputBuffer = new();
    private readonly int parameterCount;

    /// <summary>Number of seeds by site.</summary>
    private readonly Dictionary<long, int> seedCounts;

    private HostSession(HostSessionHandle handle, HostGraphDescription graph)
    {
        this.handle = handle;
        parameterCount = graph.Values.Count(value => value.Role == HostRole.Parameter);
        seedCounts = graph.Nodes.Where(node => node is { Domain: "esper", Op: "Lattice" })
            .ToDictionary(node => Attribute(node, "site"), node => (int)Attribute(node, "seeds"));
    }

    /// <summary>Checks the graph, copies its parameters and prepares the plan.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="options">Options; null = their defaults.</param>
    /// <exception cref="ArgumentException">The description contradicts itself; the message names the value or node.</exception>
    /// <exception cref="NativeException">
    /// The host does not run the graph (unknown operator or attribute, missing input, wrong element type; the message
    /// names the node), or <see cref="NativeStatus.Unsupported"/>: no such device or instruction set here.
    /// </exception>
    /// <exception cref="NativeLibraryException">libesper_host cannot be loaded.</exception>
    public static HostSession Create(HostGraphDescription graph, HostSessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        options ??= new HostSessionOptions();
        using NativeArena arena = new();
        EsperHostGraph nativeGraph = new GraphMarshaller(graph, arena).Marshal();
        EsperHostOptions nativeOptions = EsperHostOptions.Create();
        nativeOptions.Device = (int)options.Device;
        nativeOptions.Threads = options.Threads;
        nativeOptions.Isa = (int)options.Isa;
        nativeOptions.Seed = options.Seed;
        Status.CheckHost(EsperHostApi.SessionCreate(&nativeGraph, &nativeOptions, out HostSessionHandle handle));
        return new HostSession(handle, graph);
    }

    /// <summary>Chooses the optimizer and clears its state.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="groups">Groups of tensors that share hyperparameters.</param>
    /// <param name="parameterGroups">For each parameter, in the order of the graph's values, its group.</param>
    /// <param name="arenaGroup">The group of all seeds; a seed's own learning rate scale multiplies the group's.</param>
    /// <exception cref="ArgumentException">The number of parameter groups is not that of the parameters.</exception>
    /// <exception cref="NativeException">A group does not exist or a hyperparameter is out of range.</exception>
    public void ConfigureOptimizer(
        OptimizerKind optimizer,
        IReadOnlyList<OptimizerGroup> groups,
        ReadOnlySpan<int> parameterGroups,
        int arenaGroup)
    {
        ArgumentNullException.ThrowIfNull(groups);
        if (parameterGroups.Length != parameterCount)
        {
            throw new ArgumentException(
                $"{parameterGroups.Length} parameter groups for {parameterCount} parameters.", nameof(parameterGroups));
        }

        EsperHostGroup[] native = [.. groups.Select(group => group.ToNative())];
        fixed (EsperHostGroup* pg = native)
        fixed (int* pp = parameterGroups)
        {
            Status.CheckHost(EsperHostApi.OptimizerConfigure(
                handle, (int)optimizer, pg, native.Length, pp, parameterGroups.Length, arenaGroup));
        }
    }

    /// <summary>Frees the session.</summary>
    public void Dispose() => handle.Dispose();

    private static long Attribute(HostNode node, string name) =>
        node.Attributes.First(attribute => attribute.Name == name).IntValue;
}
