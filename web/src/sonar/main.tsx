import { render } from 'preact';
import { connect } from './link.js';
import { SonarPage } from './page.js';
import '../style.css';
import './sonar.css';

render(<SonarPage />, document.getElementById('app')!);
connect();
