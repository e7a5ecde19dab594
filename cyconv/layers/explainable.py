"""What a layer tells about itself: formulas with numbers, one output worked out, itself as a matrix."""


class Explainable:
    """The part of Layer that a reader asks."""

    def explain(self, x=None, position=None, training=False, print_fn=print):
        """Prints the formulas of output shape, parameters and work with the numbers put in; returns the text.

            layer.explain()                              the formulas
            layer.explain(images, position=(4, 7, 0))    how the output in row 4, column 7 came about

        x: an input shape, batch axis included (a list for several inputs); by default what the layer was
            built for. With `position`: the input itself, an array.
        position: which output, with or without its image's number (then it is image 0). For convolutions,
            Dense, pooling and batch normalisation: the window, the weights, the products, their sum. The text
            has the numbers as attributes (`working.py`), and `visualize.working(text)` is its picture.
        training: whether batch normalisation measures the batch; the moving statistics stay as they are.
        Errors: ValueError without a shape or for a position outside, TypeError for other layers' positions.
        """
        from .explaining import explanation
        from .working import working

        if position is not None:
            text = working(self, x, position, training)
        else:
            shape, out = self._shapes_for(x, "explain")
            text = "\n".join(explanation(self, shape if isinstance(shape, list) else [tuple(shape)], out))
        print_fn(text)
        return text

    def as_matrix(self, input_shape=None):
        """The layer as a sparse matrix: A @ x.ravel() + bias = y.ravel() for one image x, before activation.

        A convolution is a Toeplitz matrix: the same few numbers in every row, the rest zero. Zeros of padding
        have no entry. input_shape: batch axis included; by default what the layer was built for.
        Returns: a scipy.sparse.csr_array (outputs, inputs), for convolutions, Dense and average pooling.
        Errors: TypeError for other layers, ValueError where a size is not known.
        """
        from .forms import matrix

        return matrix(self, *self._shapes_for(input_shape, "as_matrix"))

    def connections(self, input_shape=None):
        """The entries of `as_matrix` one by one, with the number of the weight that each one shares.

        Returns: Connections(outputs, inputs, weights, values, shape), see `windows.py`.
        """
        from .windows import connections

        return connections(self, *self._shapes_for(input_shape, "connections"))

    def cost(self, input_shape=None):
        """Floats stored and operations for one image: as the layer is, as a full matrix, as a sparse one.

        Returns: Cost(convolution, dense, sparse), each a Form(floats, operations); printed it is a table.
        Source: Goodfellow, Bengio, Courville 2016, section 9.2. Errors: as of `as_matrix`.
        """
        from .forms import cost

        return cost(self, *self._shapes_for(input_shape, "cost"))

    def algorithm_report(self, input_shape=None, measure=False, print_fn=print):
        """Prints by which algorithm each convolution of a training step runs, forward and backward, and why;
        returns the text.

        For every algorithm that exists for the shape stands the estimate by which "auto" chooses (in the time
        of a million multiply-adds on one thread, `backends/algorithms.py`). measure: also the measured time.
        input_shape: batch axis included, 32 images where it is None; by default what the layer was built for.
        Errors: ValueError where a size is not known.
        """
        from .choosing import alone, report

        shape, _ = self._shapes_for(input_shape, "algorithm_report")
        shapes = shape if isinstance(shape, list) else [shape]
        text = report(self, alone(self, len(shapes)), shapes, True, measure)
        print_fn(text)
        return text

    def _shapes_for(self, shape, method):
        """(input shape, output shape), the layer built for it."""
        if shape is None and not self.built:
            raise ValueError(f"{self} is not built yet: give {method}(input_shape), batch axis included")
        shape = self.build_shape if shape is None else shape
        shape = shape if isinstance(shape, list) else tuple(getattr(shape, "shape", shape))
        self.ensure_built(shape)
        return shape, self.output_shapes(shape)[0]
