using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>The host graph while it is put together: what the file's names stand for, and the nodes so far.</summary>
internal sealed class ImportContext(OnnxFile? file, ImportOptions options, Func<string, bool> isRead)
{
    private readonly Dictionary<string, ImportedValue?> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorType> _types = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Constant> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, KnownTensor> _known = new(StringComparer.Ordinal);

    // Real tensors whose content an operator may ask for: the scales of a Resize, the value of a Pad.
    private readonly Dictionary<string, ImportedValue> _small = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ImportedValue> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _valueNames = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _nodeNames = new(StringComparer.Ordinal);
    private readonly List<GraphInput> _inputs = [];
    private readonly List<Node> _nodes = [];
    private string? _batchInput;

    public ImportOptions Options => options;

    /// <summary>Version of ONNX's operators that the nodes at hand mean.</summary>
    public long Opset { get; set; }

    public IReadOnlyList<GraphInput> Inputs => _inputs;

    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>Fixed tensors that nodes read.</summary>
    public IReadOnlyDictionary<string, Constant> Constants => _constants;

    /// <summary>Tensors of the file that nodes read and that may be trained.</summary>
    public IReadOnlyDictionary<string, ImportedValue> Tensors => _tensors;

    public IReadOnlyDictionary<string, TensorType> Types => _types;

    /// <summary>Whether a node or an output of the file reads a name.</summary>
    public bool IsRead(string name) => name.Length > 0 && isRead(name);

    public void AddInput(string name, ElementType type, TensorShape shape)
    {
        string host = Unique(name);
        _inputs.Add(new GraphInput(host, type, shape));
        _types[host] = new TensorType(type, shape);
        _values[name] = new ImportedValue(host, _types[host]) { InGraph = true };
        if (shape.Rank > 0 && shape[0] == Dimension.Batch)
        {
            _batchInput ??= host;
        }
    }

    /// <summary>Adds a tensor of the file; its content is looked at where it is needed.</summary>
    public void AddTensor(string name, OnnxTensor tensor, bool literal)
    {
        ElementType type = ElementTypes.Of(tensor.ElementType)
            ?? throw new ImportFailure($"{tensor.Place} has elements that no host computes");
        _ = tensor.Count;
        ImportedValue value = new(Unique(name), new TensorType(type, TensorShape.Of(tensor.Extents.AsSpan())))
        {
            Tensor = tensor,
            IsLiteral = literal,
        };
        if (!value.IsTrainable && value.Type.Shape.ElementsPerExample <= KnownTensor.LargestCount)
        {
            value = value with { Known = KnownTensor.Of(Content(value)) };
        }

        _types[value.Name] = value.Type;
        _values[name] = value;
    }

    /// <summary>Says that a name of the file stands for a value; null where the node that makes it is at fault.</summary>
    public void Bind(string name, ImportedValue? value)
    {
        if (name.Length > 0)
        {
            _values[name] = value;
        }
    }

    /// <summary>Whether the file's name is bound, be it to a fault.</summary>
    public bool IsBound(string name) => _values.ContainsKey(name);

    /// <summary>Whether what makes the name is at fault.</summary>
    public bool IsFaulty(string name) => _values.TryGetValue(name, out ImportedValue? value) && value is null;

    /// <summary>What a name of the file stands for.</summary>
    public ImportedValue Value(string name) =>
        _values.TryGetValue(name, out ImportedValue? value) && value is not null
            ? value
            : throw new ImportFailure($"reads '{name}', which nothing makes");

    /// <summary>What a node's input stands for; null where it is left out.</summary>
    public ImportedValue? Optional(OnnxNode node, int index) =>
        index < node.Inputs.Length && node.Inputs[index].Length > 0 ? Value(node.Inputs[index]) : null;

    /// <summary>What a node's input stands for.</summary>
    public ImportedValue Required(OnnxNode node, int index) =>
        Optional(node, index) ?? throw new ImportFailure($"its input {index} is left out");

    /// <summary>The content of a small input that must be known before the batch is; null where it is left out.</summary>
    public KnownTensor? Known(OnnxNode node, int index, string what)
    {
        if (Optional(node, index) is not { } value)
        {
            return null;
        }

        return value.Known
            ?? (value.Tensor is not null && value.Type.Shape.ElementsPerExample <= KnownTensor.LargestCount ? KnownTensor.Of(Content(value)) : null)
            ?? throw new ImportFailure($"its {what} '{node.Inputs[index]}' is computed from the data; a host needs it fixed");
    }

    /// <summary>A whole number that must be fixed, null where it is left out.</summary>
    public ImmutableArray<long>? Integers(OnnxNode node, int index, string what) => Known(node, index, what) switch
    {
        null => null,
        { IsFixed: true } known => [.. known.Numbers.Select(number => number.Whole)],
        _ => throw new ImportFailure($"its {what} '{node.Inputs[index]}' depends on the batch size; a host needs it fixed"),
    };

    /// <summary>A fixed value of the importer's own.</summary>
    public ImportedValue Fixed(string name, KnownTensor content) =>
        new(Unique(name), new TensorType(content.ElementType, content.Shape)) { Known = content };

    /// <summary>A vector of whole numbers of the importer's own.</summary>
    public ImportedValue Vector(string name, params IEnumerable<long> numbers) =>
        Fixed(name, KnownTensor.Vector(numbers.Select(number => new SymbolicNumber(number))));

    /// <summary>Adds a node that makes the outputs of the file's node.</summary>
    public void Emit(OnnxNode source, string op, ReadOnlySpan<ImportedValue?> inputs, NodeAttributes attributes) =>
        Emit(source, op, inputs, attributes, source.Outputs);

    /// <summary>Adds a node that makes the given names of the file; what is known before the batch is becomes no node.</summary>
    public void Emit(
        OnnxNode source, string op, ReadOnlySpan<ImportedValue?> inputs, NodeAttributes attributes, ImmutableArray<string> outputs)
    {
        ImmutableArray<ImportedValue> made = Make(NodeName(source, op), op, inputs, attributes, outputs);
        for (int i = 0; i < outputs.Length; i++)
        {
            Bind(outputs[i], made[i]);
        }
    }

    /// <summary>Adds a node whose one output is the importer's own.</summary>
    public ImportedValue Intermediate(OnnxNode source, string op, ReadOnlySpan<ImportedValue?> inputs, NodeAttributes attributes)
    {
        string name = $"{source.Outputs[0]}.{op.ToLowerInvariant()}";
        return Make(NodeName(source, op), op, inputs, attributes, [name])[0];
    }

    /// <summary>The name under which a node of the graph reads a value.</summary>
    public string Use(ImportedValue value)
    {
        if (value.InGraph || _constants.ContainsKey(value.Name) || _tensors.ContainsKey(value.Name))
        {
            return value.Name;
        }

        if (value.IsTrainable)
        {
            _tensors.Add(value.Name, value);
        }
        else if (value.Tensor is not null)
        {
            _constants.Add(value.Name, Content(value));
        }
        else if (value.Known is { IsFixed: true } known)
        {
            _constants.Add(value.Name, known.ToConstant(value.Name));
        }
        else
        {
            return WithBatch(value);
        }

        return value.Name;
    }

    /// <summary>The host's name of an output of the file: the file's own, wherever a node can have it.</summary>
    public string Output(string name)
    {
        ImportedValue value = Value(name);
        if (value.InGraph && value.Name == name && _inputs.All(input => input.Name != name))
        {
            return name;
        }

        // Inputs, constants and second names are handed out by a node of their own. What was folded under this name is no node's yet.
        bool free = !value.InGraph && value.Name == name && !_constants.ContainsKey(name) && !_tensors.ContainsKey(name);
        ImportedValue source = free ? value with { Name = Unique(name + ".value") } : value;
        _types[source.Name] = source.Type;
        string host = free ? name : Unique(name);
        _nodes.Add(new Node(Unique(_nodeNames, $"output:{host}"), "Identity", "", [Use(source)], [host], NodeAttributes.None));
        _types[host] = source.Type;
        return host;
    }

    /// <summary>The content of a tensor of the file.</summary>
    public Constant Content(ImportedValue value)
    {
        OnnxTensor tensor = value.Tensor!;
        TensorShape shape = value.Type.Shape;
        return value.Type.ElementType switch
        {
            ElementType.Int64 => Constant.OfIntegers(value.Name, shape, tensor.ToIntegers(External)),
            ElementType.Float32 => Constant.OfFloats(value.Name, shape, tensor.ToFloats(External)),
            ElementType.Float64 => Constant.OfDoubles(value.Name, shape, tensor.ToDoubles(External)),
            ElementType.Bool => Constant.OfBooleans(value.Name, shape, [.. tensor.ToIntegers(External).Select(i => unchecked((byte)i))]),
            _ => Constant.OfBytes(value.Name, shape, [.. tensor.ToIntegers(External).Select(i => unchecked((byte)i))]),
        };
    }

    public float[] Numbers(OnnxTensor tensor) => tensor.ToFloats(External);

    /// <summary>A name that no value has yet.</summary>
    public string Unique(string name) => Unique(_valueNames, name.Length == 0 ? "value" : name);

    private static string Unique(Dictionary<string, int> taken, string name)
    {
        // The last number given out is kept, so that many equal names do not cost their square.
        string candidate = name;
        int number = taken.GetValueOrDefault(name, 0);
        while (!taken.TryAdd(candidate, 1))
        {
            candidate = $"{name}.{++number}";
        }

        taken[name] = Math.Max(number, 1);
        return candidate;
    }

    private string NodeName(OnnxNode source, string op) =>
        Unique(_nodeNames, source.Name.Length > 0 ? source.Name : source.Outputs.FirstOrDefault(o => o.Length > 0) is { } made ? $"{op}:{made}" : op);

    private ImmutableArray<ImportedValue> Make(
        string name, string op, ReadOnlySpan<ImportedValue?> inputs, NodeAttributes attributes, ImmutableArray<string> outputs)
    {
        ImmutableArray<ImportedValue?> read = [.. inputs];
        while (read.Length > 0 && read[^1] is null)
        {
            read = read.RemoveAt(read.Length - 1);
        }

        foreach (ImportedValue value in read.OfType<ImportedValue>())
        {
            _types[value.Name] = value.Type;
            if (value.Known is { } content)
            {
                _known[value.Name] = content;
            }
            else if (value.IsTrainable && value.Type.Shape.ElementsPerExample <= KnownTensor.LargestCount)
            {
                _small[value.Name] = value;
            }
        }

        ImmutableArray<string> hosts = [.. outputs.Select(output => output.Length == 0 ? "" : Unique(output))];
        Node node = new(name, op, "", [.. read.Select(value => value?.Name ?? "")], hosts, attributes);
        ShapeInference.InferNode(node, _types, FixedContent, KnownContent);
        ImmutableArray<TensorType> types = [.. hosts.Select(host => host.Length == 0 ? new TensorType(ElementType.Int64, []) : _types[host])];
        ImmutableArray<KnownTensor?> contents = ContentRules.Evaluate(
            node, [.. read.Select(value => value?.Type)], [.. read.Select(value => value?.Known)], types);
        bool folded = hosts.Zip(contents).All(pair => pair.First.Length == 0 || pair.Second is not null);
        if (!folded)
        {
            _nodes.Add(node with { Inputs = [.. read.Select(value => value is null ? "" : Use(value))] });
        }

        return [.. hosts.Select((host, i) => new ImportedValue(host, types[i]) { Known = contents[i], InGraph = !folded })];
    }

    private Constant? FixedContent(string host) =>
        _constants.TryGetValue(host, out Constant? constant) ? constant
        : _known.TryGetValue(host, out KnownTensor? known) && known.IsFixed ? known.ToConstant(host)
        : _small.TryGetValue(host, out ImportedValue? tensor) ? Content(tensor)
        : null;

    private KnownTensor? KnownContent(string host) =>
        _known.TryGetValue(host, out KnownTensor? known) ? known
        : _constants.TryGetValue(host, out Constant? constant) ? KnownTensor.Of(constant)
        : null;

    // The batch size comes from the first input that has it; from there on multiples of it are put together.
    private string WithBatch(ImportedValue value)
    {
        KnownTensor known = value.Known!;
        string input = _batchInput ?? throw new ImportFailure("depends on the batch size, which no input has");
        if (known is not { ElementType: ElementType.Int64, Extents.Length: <= 1 })
        {
            throw new ImportFailure($"reads '{value.Name}', which depends on the batch size in a way that no host computes");
        }

        OnnxNode source = new() { Name = value.Name, Outputs = [value.Name] };
        ImportedValue batch = new(input, _types[input]) { InGraph = true };
        List<ImportedValue> parts = [];
        foreach (SymbolicNumber number in known.Numbers)
        {
            if (!number.IsDynamic)
            {
                parts.Add(Vector(value.Name + ".part", number.Whole));
                continue;
            }

            ImportedValue size = InGraph(source, "Shape", [batch], NodeAttributes.Of(("start", 0L), ("end", 1L)), 1);
            parts.Add(number.Value == 1 ? size
                : InGraph(source, "Mul", [size, Vector(value.Name + ".factor", number.Whole)], NodeAttributes.None, 1));
        }

        ImportedValue all = parts.Count == 1 ? parts[0] : InGraph(source, "Concat", [.. parts], NodeAttributes.Of(("axis", 0L)), parts.Count);
        return known.Extents.Length == 1
            ? all.Name
            : InGraph(source, "Squeeze", [all, Vector(value.Name + ".axis", 0)], NodeAttributes.None, null).Name;
    }

    // A node that must be there although its content is known up to the batch size.
    private ImportedValue InGraph(OnnxNode source, string op, ReadOnlySpan<ImportedValue> inputs, NodeAttributes attributes, long? length)
    {
        string host = Unique($"{source.Name}.{op.ToLowerInvariant()}");
        List<string> names = [];
        foreach (ImportedValue input in inputs)
        {
            names.Add(Use(input));
        }

        TensorType type = new(ElementType.Int64, length is { } count ? [count] : []);
        _nodes.Add(new Node(Unique(_nodeNames, host), op, "", [.. names], [host], attributes));
        _types[host] = type;
        return new ImportedValue(host, type) { InGraph = true };
    }

    private ReadOnlyMemory<byte> External(OnnxTensor tensor) =>
        file?.External(tensor) ?? throw new OnnxFormatException($"{tensor.Place}: its content is in another file, which a model in memory has not");
}
